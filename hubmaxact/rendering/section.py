"""A report as the section of a model card: the summary, a picture, commands, the rest folded.

Pure: a report goes in, Markdown comes out. Knows nothing of READMEs or the Hub.
"""

from hubmaxact.rendering import commands, summary
from hubmaxact.rendering.escape import text
from hubmaxact.rendering.picture.pictures import LAYERS, Picture, pictures
from hubmaxact.rendering.section_details import details
from hubmaxact.report.document import REPORT_NAME, Report
from hubmaxact.report.write import digest

HEADING = "## Activation maxima"
PAPER = "https://arxiv.org/abs/2605.15572"
FOLDED = "By role, layer and domain; number formats; stability; environment"


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
        summary.render(report),
        _shown(LAYERS, report),
        _commands(report),
        f"<details>\n<summary>{FOLDED}</summary>\n\n{_folded(report)}\n\n</details>",
        source,
    ]
    return "\n\n".join(parts) + "\n"


def _folded(report: Report) -> str:
    """The other pictures, then the tables."""
    drawn = [_shown(picture, report) for picture in pictures(report) if picture is not LAYERS]
    return "\n\n".join([*drawn, details(report)])


def _shown(picture: Picture, report: Report) -> str:
    return f"![{text(picture.description(report))}]({picture.path})"


def _commands(report: Report) -> str:
    lines = ["# reproduce", commands.reproduce(report), "# verify", commands.verify(report)]
    return "\n".join(["```sh", *lines, "```"])
