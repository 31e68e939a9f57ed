"""The domain `other`: letters, talk, verse, lists, records in many formats, and odd text.

The odd text is there on purpose: long runs of digits, line breaks and punctuation, delimiters
that look like a tokenizer's own, rare characters. In trained networks such tokens carry the
largest activations.
"""

from collections.abc import Callable, Iterator

from hubmaxact.corpus.probe_5k.domains.code_programs import code_grammar
from hubmaxact.corpus.probe_5k.draw import Draw
from hubmaxact.corpus.probe_5k.grammar import Grammar, capital
from hubmaxact.corpus.probe_5k.pages import page_writer
from hubmaxact.corpus.probe_5k.topics import english_grammar

TONGUES = ("fr", "de", "es", "pl", "vi", "tr")
"""French, German, Spanish, Polish, Vietnamese, Turkish: Latin letters with marks."""
DELIMITERS = (
    "<s>",
    "</s>",
    "<bos>",
    "<eos>",
    "<|endoftext|>",
    "<pad>",
    "<unk>",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "[INST]",
    "[/INST]",
    "###",
    "---",
    "***",
    "```",
    "\n\n\n\n",
    "\r\n",
    "\t\t\t",
    "\f",
    " ",
    "        ",
)
RUNS = (
    ".",
    "!",
    "?",
    "-",
    "=",
    "_",
    "*",
    "#",
    "\n",
    ",",
    "0",
    "9",
    "a",
    "A",
    "(",
    ")",
    "~",
    "/",
    '"',
    "¿",
    "…",
)


def fields(grammar: Grammar) -> list[str]:
    """Return the columns of one table."""
    names = [str(name).replace(" ", "_").replace("'", "") for name in grammar.rules["thing"][:14]]
    return grammar.draw.sample(names, grammar.draw.between(3, 7))


def value(grammar: Grammar) -> str:
    """Return one datum, unquoted."""
    draw = grammar.draw
    kind = draw.below(8)
    if kind < 2:
        return str(draw.below(100_000))
    if kind == 2:
        return f"{draw.below(1000)}.{draw.below(10_000):04d}"
    if kind == 3:
        return _date(draw)
    if kind == 4:
        return f"{draw.below(1 << 32):08x}"
    return grammar(("person", "thing", "quality", "town")[draw.below(4)])


def _date(draw: Draw) -> str:
    day = f"{draw.between(1990, 2024)}-{draw.between(1, 12):02d}-{draw.between(1, 28):02d}"
    return f"{day}T{draw.below(24):02d}:{draw.below(60):02d}:{draw.below(60):02d}Z"


def _json(grammar: Grammar, depth: int) -> str:
    draw = grammar.draw
    kind = draw.below(6) if depth < 3 else draw.below(3)
    if kind == 0:
        return str(draw.below(100_000))
    if kind < 3:
        return f'"{value(grammar)}"'
    if kind == 3:
        return f"[{', '.join(_json(grammar, depth + 1) for _ in range(draw.between(0, 5)))}]"
    pad = "  " * (depth + 1)
    rows = ",\n".join(f'{pad}"{name}": {_json(grammar, depth + 1)}' for name in fields(grammar))
    return f"{{\n{rows}\n{'  ' * depth}}}"


def json_records(draw: Draw) -> Iterator[str]:
    """JSON documents, nested."""
    grammar = english_grammar(draw)
    while True:
        yield _json(grammar, 0) + "\n"


def tables(draw: Draw) -> Iterator[str]:
    """Comma or tab separated values and Markdown tables with their headings."""
    grammar = english_grammar(draw)
    while True:
        columns = fields(grammar)
        joint = draw.choice((",", "\t", ";", " | "))
        yield joint.join(columns) + "\n"
        for _ in range(draw.between(8, 40)):
            yield joint.join(value(grammar) for _ in columns) + "\n"
        yield f"\n{grammar('sent')}\n\n"


def _time(clock: int) -> str:
    """Write milliseconds as a time of day."""
    seconds, milli = divmod(clock % 86_400_000, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{milli:03d}"


def log_lines(draw: Draw) -> Iterator[str]:
    """A server's log: times rise, and addresses come back."""
    grammar = code_grammar(draw)
    hosts = [f"10.{draw.below(256)}.{draw.below(256)}.{draw.below(256)}" for _ in range(6)]
    clock = draw.below(86_400_000)
    while True:
        clock += draw.below(9000)
        level = draw.choice(("INFO ", "INFO ", "DEBUG", "WARN ", "ERROR"))
        yield (
            f"{_time(clock)} {level} [{grammar('noun')}-{draw.below(32)}] {draw.choice(hosts)} "
            f"{grammar('fname')} {grammar('ident')}={value(grammar)} {grammar('problem')} "
            f"{draw.below(5000)}ms\n"
        )


def markup(draw: Draw) -> Iterator[str]:
    """XML elements with attributes."""
    grammar = english_grammar(draw)
    names = fields(grammar)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<records>\n'
    while True:
        name = draw.choice(names)
        inner = "".join(
            f"    <{tag}>{value(grammar)}</{tag}>\n"
            for tag in draw.sample(names, draw.between(1, 4))
        )
        yield (
            f'  <{name} id="{draw.below(100_000)}" at="{_date(draw)}">\n{inner}'
            f"    <note>{grammar('clause')}</note>\n  </{name}>\n"
        )


def tongues(draw: Draw) -> Iterator[str]:
    """Latin scripts with marks: one language a text."""
    grammar = english_grammar(draw, "data.txt")
    rule = f"{draw.choice(TONGUES)}_s"
    while True:
        for _ in range(draw.between(2, 7)):
            sentence = capital(grammar(rule))
            yield sentence + (" " if sentence[-1] in "?!" else ". ")
        yield "\n\n"


def odd_text(draw: Draw) -> Iterator[str]:
    """Addresses, runs, digits, delimiters and rare characters between sentences."""
    grammar = english_grammar(draw, "data.txt")
    while True:
        kind = draw.below(7)
        if kind == 0:
            yield draw.choice(RUNS) * draw.between(3, 120) + draw.choice((" ", "\n", ""))
        elif kind == 1:
            yield "".join(str(draw.below(10)) for _ in range(draw.between(8, 300))) + "\n"
        elif kind == 2:
            yield draw.choice(DELIMITERS) * draw.between(1, 6) + grammar("clause")
        elif kind == 3:
            yield " ".join(grammar("odd") for _ in range(draw.between(1, 25))) + "\n"
        elif kind == 4:
            yield "\n".join(grammar("url") for _ in range(draw.between(1, 8))) + "\n"
        else:
            yield grammar("sent") + draw.choice((" ", "\n", "\n\n"))


WRITERS: tuple[tuple[Callable[[Draw], Iterator[str]], int], ...] = (
    (page_writer("data.txt", "mail"), 42),
    (json_records, 26),
    (page_writer("data.txt", "talk"), 38),
    (tables, 22),
    (tongues, 30),
    (odd_text, 24),
    (page_writer("data.txt", "menu"), 35),
    (log_lines, 24),
    (page_writer("data.txt", "talk"), 38),
    (markup, 25),
    (page_writer("data.txt", "poem"), 40),
)
"""Each writer with its bytes per token, in tenths."""
