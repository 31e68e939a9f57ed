"""What the job summary says around what hubmaxact has rendered: a heading, and what came of it."""

import re
from typing import Any

MISSING = "**There is no report; nothing was published.** The error of this job says what to do."
NOT_MEASURED = "**Measuring failed; nothing was published.** The log says why."
UNREADABLE = "**The report could not be read; nothing was published.** The log says why."
INVALID = "**The report is not valid; nothing was published.** The log says where and why."
NOT_SHOWN = "**The report could not be shown; nothing was published.** The log says why."
NO_GATE = "No gate: no rule was given."
NO_VERDICT = "**The gate could not be applied; nothing was published.** The log says why."
OPEN = "The gate is open."
CLOSED = "**The gate is closed; nothing was published.**"
NOT_PUBLISHED = "**Publishing failed.** The log says why, and what to do."
URL = re.compile(r"https?://[\w./:-]+", re.ASCII)


def heading(repo: str, release: str) -> str:
    """Name the model and, if there is one, the release: inputs of a shape that code can hold."""
    return f"### Activation maxima of `{repo}`" + (f", release `{release}`" if release else "")


def published(pushed: dict[str, Any]) -> str:
    """What became of the push, with a link."""
    if pushed["dry_run"]:
        return "Dry run: " + ("the log shows the diff." if pushed["changed"] else "up to date.")
    kind = "pull request" if pushed["pr_url"] else "commit"
    where = _link(pushed["pr_url"] or pushed["commit_url"])
    if pushed["changed"]:
        return f"Published as a {kind}{where}"
    return f"Nothing to publish: the report is already in the {kind}{where}"


def _link(url: str | None) -> str:
    return f": <{url}>" if url and URL.fullmatch(url) else "; the outputs of this step name it."
