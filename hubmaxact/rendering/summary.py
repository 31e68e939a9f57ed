"""The shortest a report can be told in Markdown: a sentence, a verdict for each format, the facts.

A model card's section begins with it; a pipeline's summary is it, under a heading of its own.
"""

from collections.abc import Iterator

from hubmaxact.formats import INT8_LABEL
from hubmaxact.rendering import checkpoint_words, numbers, words
from hubmaxact.rendering.escape import code, text
from hubmaxact.rendering.fit.advice import advice
from hubmaxact.rendering.fit.measured import has_errors
from hubmaxact.rendering.fit.verdict import Verdict
from hubmaxact.rendering.fit.verdicts import NOTE, closed_up, verdicts
from hubmaxact.rendering.markdown_table import table
from hubmaxact.report.document import Report

QUESTION = "Will it fit?"
TO_DO = "What to do:"


def render(report: Report) -> str:
    """Return sentence, verdicts and facts, without a newline at the end.

    Args:
        report: Of any profile and version.

    Returns:
        Markdown, safe whatever the text in the report.
    """
    said = words.sentence(report, code, strong=lambda word: f"**{word}**")
    blocks = (said, _verdicts(report), _note(report), _facts(report), _advice(report))
    return "\n\n".join(filter(None, blocks))


def _verdicts(report: Report) -> str:
    model = report["model"]
    name = text(model["id"]) if model["id"] else "This checkpoint"
    commit = f" at {code(model['commit'][:12])}" if model["commit"] else ""
    rows = [_row(each) for each in closed_up(verdicts(report, code))]
    return table((QUESTION, "verdict", f"{name}{commit}", "module"), rows)


def _row(found: Verdict) -> tuple[str, ...]:
    said = "; ".join(filter(None, (found.number, found.condition)))
    return f"**{found.title}**", f"**{found.word}**", _capital(said), found.where


def _note(report: Report) -> str:
    return NOTE if has_errors(report) else ""


def _advice(report: Report) -> str:
    lines = [f"- **{head}**: {said}" for head, said in advice(report, code)]
    return "\n".join([TO_DO, "", *lines]) if lines else ""


def _facts(report: Report) -> str:
    return "\n".join(f"- **{head}**: {said}" for head, said in _told(report))


def _told(report: Report) -> Iterator[tuple[str, str]]:
    yield "Largest activation, M", _peak(report)
    for head, said in checkpoint_words.facts(report, code):
        yield head, _sentence(said)
    if not has_errors(report):
        check = _sentence(words.int8(report, text))
        yield "INT8 check", f"{check} {_sentence(INT8_LABEL)}"
    yield "Measured", _sentence(words.measured(report, code))


def _peak(report: Report) -> str:
    peak = report["global_max"]
    if peak is None:
        return "No finite value."
    where = f"**{numbers.value(peak['abs_max'])}** at {words.place(peak, code)}."
    step = f"One bf16 step there is {numbers.value(peak['bf16_step'])}."
    return " ".join(filter(None, [where, words.signed(peak), step, words.ties(peak)]))


def _sentence(said: str) -> str:
    return f"{_capital(said)}."


def _capital(said: str) -> str:
    return f"{said[:1].upper()}{said[1:]}"
