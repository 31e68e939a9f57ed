"""What a report says, in sentences; the renderers choose how a name is shown.

Every function that repeats a stranger's text takes `name`, which makes it safe for the place it
will stand in.
"""

from collections.abc import Callable

from hubmaxact.formats import SHORT_NAMES
from hubmaxact.rendering import numbers
from hubmaxact.report.derived import Where
from hubmaxact.report.document import Carrier, GlobalMax, Report
from hubmaxact.report.roles import ROLE_BY_NAME, ROLES, watched_under
from hubmaxact.report.row_fields import field
from hubmaxact.report.summaries import decibels, int8_rows, num_non_finite

Name = Callable[[str], str]

KINDS = {"synthetic": " (synthetic)", "natural": " (natural)", None: ""}
SPECIAL_TOKENS = {"as_tokenizer": "as the tokenizer adds them", "none": "none"}
POLICIES = {"max_abs": "max-abs scale", "clip_q0.999": "clipped at the 0.999 quantile"}


def title(role: str, layer: int | None) -> str:
    """A site in words: hidden state of layer 5."""
    words = ROLE_BY_NAME[role].title
    return words if layer is None else f"{words} of layer {layer}"


def sentence(report: Report, name: Name, strong: Name) -> str:
    """The one sentence: status first if anything is wrong, then M and where it sits."""
    corpus, peak = report["protocol"]["corpus"], report["global_max"]
    caveat = _caveat(report)
    if peak is None:
        return f"{caveat}no watched tensor held a finite value."
    start = "among finite values, the" if report["status"] == "non_finite" else "in the rest, the"
    if not caveat:
        start = "The"
    tokens = numbers.count(corpus["num_tokens"], "token")
    return (
        f"{caveat}{start} largest activation is {strong(numbers.value(peak['abs_max']))}, in the "
        f"{title(peak['role'], peak['layer'])}, over {tokens} "
        f"of {name(corpus['name'])} in {SHORT_NAMES[report['protocol']['dtype']]}."
    )


def _caveat(report: Report) -> str:
    broken = num_non_finite(report)
    missing = len(report["coverage"]["missing"])
    said = []
    if broken:
        said.append(f"{numbers.count(broken, 'watched tensor')} held NaN or infinity")
    if missing:
        tensors = numbers.count(missing, "expected tensor")
        said.append(f"this measurement is partial ({tensors} never seen)")
    words = " and ".join(said)
    return f"{words[0].upper()}{words[1:]}: " if words else ""


def place(peak: GlobalMax | Carrier, name: Name) -> str:
    """Coordinates of a value: module, channel, token and text."""
    return (
        f"{name(peak['module'])}, channel {peak['channel']:,}; token {peak['token_position']:,} "
        f"(id {peak['token_id']}) of text {peak['sample']:,}"
    )


def signed(peak: GlobalMax) -> str:
    """The value at M where it is negative, for M itself has no sign; empty where it is not."""
    return f"The value there is {numbers.value(peak['value'])}." if peak["value"] < 0 else ""


def ties(peak: GlobalMax) -> str:
    """The other sites with the same magnitude, layers closed up; empty when there is none."""
    others = peak["carriers"][1:]
    said = []
    for role in ROLES:
        layers = [c["layer"] for c in others if c["role"] == role.name]
        known = [layer for layer in layers if layer is not None]
        if known:
            noun = "layer" if len(known) == 1 else "layers"
            said.append(f"{role.title} of {noun} {numbers.ranges(known)}")
        elif layers:
            said.append(role.title)
    return f"The same magnitude stands in the {', the '.join(said)}." if said else ""


def reached(where: Where) -> str:
    """How far a site went beyond a format."""
    return "infinity" if where["abs_max"] is None else numbers.value(where["abs_max"])


def int8(report: Report, name: Name) -> str:
    """What the INT8 diagnostic found, or why it found nothing."""
    rows = int8_rows(report)
    found = decibels(report)
    if not found:
        reason = next((row["reason"] for row in rows if row["reason"]), None)
        return f"not measured: {name(reason)}" if reason else "not measured"
    said = []
    for row in found:
        policy = POLICIES.get(row.policy, name(row.policy))
        at_peak = "" if row.at_peak is None else f" ({row.at_peak:.1f} dB at M)"
        span = " to ".join(dict.fromkeys((f"{row.lowest[0]:.1f}", f"{row.highest:.1f}")))
        said.append(f"{span} dB{at_peak}, {policy}")
    return f"SQNR of the hidden states: {'; '.join(said)}"


def measured(report: Report, name: Name) -> str:
    """Corpus, tokens, special tokens, number format, status."""
    protocol = report["protocol"]
    corpus, policy = protocol["corpus"], protocol["special_tokens"]["policy"]
    version = f" version {name(corpus['version'])}" if corpus["version"] else ""
    kind = KINDS[corpus["kind"]]
    bos = ", BOS added" if protocol["special_tokens"]["bos_added"] else ""
    dtype = SHORT_NAMES[protocol["dtype"]]
    return (
        f"{numbers.count(corpus['num_samples'], 'text')} of {name(corpus['name'])}{version}{kind}, "
        f"{numbers.count(corpus['num_tokens'], 'token')}, "
        f"at most {protocol['max_seq_len']:,} each; "
        f"special tokens: {SPECIAL_TOKENS[policy]}{bos}; no chat template; {dtype}; "
        f"{coverage(report)}"
    )


def coverage(report: Report) -> str:
    """How many watched tensors were seen of those expected."""
    watched = watched_under(report["protocol"]["profile"])
    rows = [field(report["coverage"], role.name) for role in watched]
    fired, expected = sum(r["fired"] for r in rows), sum(r["expected"] for r in rows)
    return f"{fired:,} of {numbers.count(expected, 'tensor')} seen"
