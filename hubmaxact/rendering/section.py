"""A report as the section of a model card: a sentence, four rows, a picture, the rest folded.

Pure: a report goes in, Markdown comes out. Knows nothing of READMEs or the Hub.
"""

from hubmaxact.formats import INT8_LABEL
from hubmaxact.rendering import commands, numbers, words
from hubmaxact.rendering.escape import code, text
from hubmaxact.rendering.markdown_table import table
from hubmaxact.rendering.picture.layers import description
from hubmaxact.rendering.section_details import details
from hubmaxact.report.document import REPORT_NAME, Report
from hubmaxact.report.write import digest

HEADING = "## Activation maxima"
PICTURE = "activation_maxima/layers.svg"
PAPER = "https://arxiv.org/abs/2605.15572"


def render(report: Report) -> str:
    """Return the section, from its heading to its last newline, without markers.

    Args:
        report: The report that it is about.

    Returns:
        Markdown, safe whatever the text in the report.

    Raises:
        ReportError: The report is not valid.
    """
    return compose(report, digest(report))


def compose(report: Report, sha256: str) -> str:
    """Return the section of a report whose file has this digest; safe whatever the text in it."""
    source = (
        f"All of it is in [`{REPORT_NAME}`]({REPORT_NAME}) (SHA-256 `{sha256}`); what M is and why "
        f"it is published: [arXiv:2605.15572]({PAPER})."
    )
    parts = [
        HEADING,
        words.sentence(report, code, strong=lambda word: f"**{word}**"),
        _four_rows(report),
        f"![{text(description(report))}]({PICTURE})",
        _commands(report),
        f"<details>\n<summary>{_summary()}</summary>\n\n{details(report)}\n\n</details>",
        source,
    ]
    return "\n\n".join(parts) + "\n"


def _four_rows(report: Report) -> str:
    model = report["model"]
    name = text(model["id"]) if model["id"] else "This checkpoint"
    commit = f" at {code(model['commit'][:12])}" if model["commit"] else ""
    rows = [
        ("Largest activation, M", _peak(report)),
        ("fp16", _sentence(words.fp16(report, code))),
        ("INT8 check", f"{_sentence(words.int8(report, text))} {_sentence(INT8_LABEL)}"),
        ("Measured", _sentence(words.measured(report, code))),
    ]
    return table(("", f"{name}{commit}"), [(f"**{head}**", cell) for head, cell in rows])


def _peak(report: Report) -> str:
    peak = report["global_max"]
    if peak is None:
        return "No finite value."
    where = f"**{numbers.value(peak['value'])}** at {words.place(peak, code)}."
    step = f"One bf16 step there is {numbers.value(peak['bf16_step'])}."
    return " ".join(filter(None, [where, step, words.ties(peak)]))


def _commands(report: Report) -> str:
    lines = ["# reproduce", commands.reproduce(report), "# verify", commands.verify(report)]
    return "\n".join(["```sh", *lines, "```"])


def _summary() -> str:
    return "By role, layer and domain; number formats; stability; environment"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
