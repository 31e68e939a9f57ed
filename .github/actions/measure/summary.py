"""A report, a gate's verdict and a push's result as Markdown for the job summary.

Pure: JSON documents in, text out. Every word of a document is made inert, wherever it came from.
"""

import re
from collections.abc import Iterable
from typing import Any

INVALID = "**The report is not valid; nothing was published.** The log says where and why."
NO_GATE = "No gate: no rule was given."
NO_VERDICT = "**The gate could not be applied; nothing was published.** The log says why."
NOT_PUBLISHED = "**Publishing failed.** The log says why, and what to do."
DIAGNOSTIC = "diagnostic, as in arXiv:2605.15572"
LONGEST = 300
# Numeric entities are text to Markdown and to HTML alike.
ACTIVE = re.compile(r"[^A-Za-z0-9 .,/+-]")
# GitHub makes links of what looks like one, in spite of entities, but not across a comment.
LIKE_A_LINK = re.compile(r"(@|:(?=//)|www(?=\.))", re.IGNORECASE)
BREAK = "<!-- -->"
URL = re.compile(r"https?://[\w./:-]+", re.ASCII)


def text(words: str) -> str:
    """Make a stranger's words inert in a Markdown line or table cell."""
    cut = words if len(words) <= LONGEST else f"{words[:LONGEST]}..."
    pieces = LIKE_A_LINK.split(cut)  # words and what looks like a link, by turns
    return "".join(
        ACTIVE.sub(lambda found: f"&#{ord(found.group())};", piece) + BREAK * (number % 2)
        for number, piece in enumerate(pieces)
    )


def heading(repo: str, release: str) -> str:
    """Name the model and, if there is one, the release."""
    return f"### Activation maxima of {text(repo)}" + (
        f", release {text(release)}" if release else ""
    )


def table(report: dict[str, Any]) -> str:
    """M, where it sits, what it means for fp16 and for the INT8 check, and what was measured."""
    rows = [("Largest activation, M", _largest(report)), ("Where", _where(report))]
    rows += [
        ("fp16", _fp16(report)),
        ("INT8 check", _int8(report)),
        ("Measured", _measured(report)),
    ]
    return _table(("", ""), [(f"**{head}**", text(words)) for head, words in rows])


def verdict(found: dict[str, Any]) -> str:
    """Every rule of the gate, the failed ones first."""
    rules = sorted(found["rules"], key=lambda rule: bool(rule["passed"]))
    failed = sum(not rule["passed"] for rule in rules)
    said = f"**The gate is closed: {failed} of {len(rules)} rules failed; nothing was published.**"
    rows = [
        ("passed" if rule["passed"] else "**failed**", text(rule["rule"]), text(rule["detail"]))
        for rule in rules
    ]
    passed = f"The gate is open: {len(rules)} of {len(rules)} rules passed."
    return f"{said if failed else passed}\n\n{_table(('', 'rule', 'found'), rows)}"


def published(pushed: dict[str, Any]) -> str:
    """What became of the push, with a link."""
    where = _link(pushed["pr_url"] or pushed["commit_url"])
    if pushed["dry_run"]:
        return "Dry run: " + ("the log shows the diff." if pushed["changed"] else "up to date.")
    kind = "pull request" if pushed["pr_url"] else "commit"
    if pushed["changed"]:
        return f"Published as a {kind}: {where}"
    return f"Nothing to publish: the report is already in the {kind} {where}"


def _largest(report: dict[str, Any]) -> str:
    peak, status = report["global_max"], report["status"]
    found = f"{peak['value']:,.6g}" if peak else "no finite value"
    return found if status == "complete" else f"{found} (status of the report: {status})"


def _where(report: dict[str, Any]) -> str:
    peak = report["global_max"]
    if peak is None:
        return "unknown"
    layer = "" if peak["layer"] is None else f" of layer {peak['layer']}"
    return (
        f"{peak['role'].replace('_', ' ')}{layer} ({peak['module']}), channel {peak['channel']:,}; "
        f"token {peak['token_position']:,} of text {peak['sample']:,}"
    )


def _fp16(report: dict[str, Any]) -> str:
    row, tokens = report["dtype_headroom"]["float16"], report["protocol"]["corpus"]["num_tokens"]
    if row["exceeded"]:
        return f"exceeded{_beyond(row['where'])}"
    words = f"no watched tensor exceeded 65,504 in {tokens:,} tokens"
    broken = "; NaN or infinity did occur" if report["status"] == "non_finite" else ""
    return f"{words}{broken}"


def _beyond(where: dict[str, Any] | None) -> str:
    if where is None:
        return ""
    reached = "infinity" if where["abs_max"] is None else f"{where['abs_max']:,.6g}"
    return f": {reached} in {where['module']}"


def _int8(report: dict[str, Any]) -> str:
    rows = list(_int8_rows_at_peak(report))
    known = [
        f"{row['sqnr_db']:.1f} dB ({row['policy']})" for row in rows if row["sqnr_db"] is not None
    ]
    if known:
        return f"SQNR where M is: {', '.join(known)}; {DIAGNOSTIC}"
    reasons = [row["reason"] for row in rows if row["reason"]]
    return f"not measured where M is: {reasons[0]}" if reasons else "not measured where M is"


def _int8_rows_at_peak(report: dict[str, Any]) -> Iterable[dict[str, Any]]:
    peak = report["global_max"] or {}
    site = {name: peak.get(name) for name in ("role", "layer", "part")}
    for row in report["quantization"]["formats"]:
        if (row["format"], row["granularity"], row["site"]) == ("int8", "per_tensor", site):
            yield row


def _measured(report: dict[str, Any]) -> str:
    protocol = report["protocol"]
    corpus = protocol["corpus"]
    return (
        f"{corpus['num_samples']:,} texts of {corpus['name']}, {corpus['num_tokens']:,} tokens, at "
        f"most {protocol['max_seq_len']:,} each, in {protocol['dtype']}"
    )


def _link(url: str | None) -> str:
    return f"<{url}>" if url and URL.fullmatch(url) else text(url or "none")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    divider = tuple("---" for _ in head)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, divider, *rows))
