"""The shortest a report can be told in Markdown: a sentence, and a few rows under the model's name.

A model card's section begins with it; a pipeline's summary is it, under a heading of its own.
"""

from collections.abc import Iterator

from hubmaxact.formats import INT8_LABEL
from hubmaxact.rendering import deployed_words, numbers, words
from hubmaxact.rendering.escape import code, text
from hubmaxact.rendering.markdown_table import table
from hubmaxact.report.document import Report


def render(report: Report) -> str:
    """Return sentence and table, without a newline at the end; safe whatever the text in them."""
    said = words.sentence(report, code, strong=lambda word: f"**{word}**")
    return f"{said}\n\n{_few_rows(report)}"


def _few_rows(report: Report) -> str:
    model = report["model"]
    name = text(model["id"]) if model["id"] else "This checkpoint"
    commit = f" at {code(model['commit'][:12])}" if model["commit"] else ""
    rows = [
        ("Largest activation, M", _peak(report)),
        ("fp16", _sentence(words.fp16(report, code))),
        ("INT8 check", f"{_sentence(words.int8(report, text))} {_sentence(INT8_LABEL)}"),
        *((head, _sentence(said)) for head, said in _deployed(report)),
        ("Measured", _sentence(words.measured(report, code))),
    ]
    return table(("", f"{name}{commit}"), [(f"**{head}**", cell) for head, cell in rows])


def _deployed(report: Report) -> Iterator[tuple[str, str]]:
    """What profile `deployment` saw beside M."""
    found = (
        ("KV cache", deployed_words.kv_cache(report, code)),
        ("Attention logits", deployed_words.attention_logit(report, code)),
        ("Largest linear input", deployed_words.linear_input(report, code)),
    )
    yield from ((head, said) for head, said in found if said is not None)


def _peak(report: Report) -> str:
    peak = report["global_max"]
    if peak is None:
        return "No finite value."
    where = f"**{numbers.value(peak['abs_max'])}** at {words.place(peak, code)}."
    step = f"One bf16 step there is {numbers.value(peak['bf16_step'])}."
    return " ".join(filter(None, [where, words.signed(peak), step, words.ties(peak)]))


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
