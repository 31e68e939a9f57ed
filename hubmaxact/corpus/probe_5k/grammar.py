r"""Sentences from a grammar: rules whose items hold slots for other rules.

A seed file has sections. `[name]` starts a rule with one item a line; `[name |]` a rule whose
items stand between bars. In an item, `{rule}` is filled from a rule, `{a rule}` likewise with
its English article, `{^rule}` with a capital letter, `{3-90}` with a number; `\n` is a line
break. Knows no language beyond that article.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from hubmaxact.corpus.probe_5k.draw import Draw


class Pattern(NamedTuple):
    """A compiled item: a %-form and what fills it."""

    form: str
    slots: tuple["str | Slot", ...]


class Slot(NamedTuple):
    """A slot that does more than name a rule."""

    kind: str  # "a", "^", "^a" or "number"
    rule: str
    low: int = 0
    high: int = 0


Item = str | Pattern
Rules = Mapping[str, Sequence[Item]]

HEADER = r"^\[([A-Za-z_0-9]+)( \|)?\]\n"
SECTION = re.compile(HEADER + r"(.*?)(?=" + HEADER + r"|\Z)", re.MULTILINE | re.DOTALL)

ESCAPE = re.compile(r"\\(n|t|\\|u[0-9a-f]{4})")
ESCAPES = {"n": "\n", "t": "\t", "\\": "\\"}

# Any other brace is a brace.
SLOT = re.compile(r"\{(?:(\^a |a |\^)?([A-Za-z_][A-Za-z_0-9]*)|([0-9]+)-([0-9]+))\}")

# A vowel that is not spoken as one, and the other way round.
TAKES_A = ("uni", "use", "usu", "eu", "one", "uti")
TAKES_AN = ("hour", "honest", "heir")


def article(noun: str) -> str:
    """Return "a" or "an"."""
    if noun.startswith(TAKES_AN):
        return "an"
    return "an" if noun[0] in "aeiouAEIOU8" and not noun.startswith(TAKES_A) else "a"


def capital(text: str) -> str:
    """Return the text with an ASCII capital in front; other scripts stay as they are."""
    return text[0].upper() + text[1:] if "a" <= text[:1] <= "z" else text


def compile_item(line: str) -> Item:
    """Turn the notation into a pattern, or into plain text when it has no slot."""
    line = ESCAPE.sub(_unescape, line)
    form, slots, end = "", [], 0
    for match in SLOT.finditer(line):
        form += line[end : match.start()].replace("%", "%%") + "%s"
        slots.append(_slot(match))
        end = match.end()
    if not slots:
        return line
    return Pattern(form + line[end:].replace("%", "%%"), tuple(slots))


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if code[0] == "u" else ESCAPES[code]


def _slot(match: re.Match[str]) -> "str | Slot":
    kind, rule, low, high = match.groups()
    if low is not None:
        return Slot("number", "", int(low), int(high))
    return Slot(kind.rstrip(), rule) if kind else rule


def sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each section's name and its items in the notation."""
    for name, bars, body, *_ in SECTION.findall(text):
        lines = [line for line in body.split("\n") if line]
        yield name, [item.strip() for item in "|".join(lines).split("|")] if bars else lines


def parse(text: str) -> dict[str, tuple[Item, ...]]:
    """Compile every section of a seed file."""
    return {name: tuple(map(compile_item, items)) for name, items in sections(text)}


@cache
def read_seed(name: str) -> str:
    """Return a seed file's text, with one kind of line end on every platform."""
    content = files("hubmaxact.corpus").joinpath("seeds", name).read_bytes()
    return content.decode("utf-8").replace("\r\n", "\n")


@cache
def seed_rules(*names: str) -> dict[str, tuple[Item, ...]]:
    """Return the rules of seed files; a later file's rules win."""
    rules: dict[str, tuple[Item, ...]] = {}
    for name in names:
        rules.update(parse(read_seed(name)))
    return rules


class Grammar:
    """Rules and the choices that expand them."""

    def __init__(self, rules: Rules, draw: Draw) -> None:
        self.rules = dict(rules)
        self.draw = draw
        self._below = draw.below

    def __call__(self, rule: str) -> str:
        """Expand a rule. Nearly all of the corpus's time is spent here."""
        items = self.rules[rule]
        item = items[self._below(len(items))]
        if isinstance(item, str):
            return item
        form, slots = item
        return form % tuple(
            [self(slot) if isinstance(slot, str) else self._special(slot) for slot in slots]
        )

    def _special(self, slot: Slot) -> str:
        if slot.kind == "number":
            return str(self.draw.between(slot.low, slot.high))
        text = self(slot.rule)
        if slot.kind != "^":
            text = f"{article(text)} {text}"
        return capital(text) if slot.kind[0] == "^" else text

    def bind(self, rule: str, *items: str) -> None:
        """Let a rule mean these texts from now on; this is how a text keeps to its subject."""
        self.rules[rule] = items

    def narrow(self, rule: str, count: int) -> None:
        """Keep only `count` of a rule's items, so that each text has a vocabulary of its own."""
        self.rules[rule] = self.draw.subset(self.rules[rule], count)
