"""The folded part of the section: tables of everything else a reader may ask for."""

from collections.abc import Callable, Sequence

from hubmaxact.formats import INT8_LABEL
from hubmaxact.rendering import (
    certainty_words,
    end_to_end_words,
    excess_words,
    numbers,
    position_words,
    section_rounding,
    words,
)
from hubmaxact.rendering.escape import code, text
from hubmaxact.rendering.markdown_table import table
from hubmaxact.report import summaries
from hubmaxact.report.document import Report
from hubmaxact.report.products import FLOAT32, products_of
from hubmaxact.report.roles import ROLE_BY_NAME, ROLES

MOST_LAYERS = 5
MOST_LISTED = 10
MOST_SIZES = 6
NONE = "-"


def details(report: Report) -> str:
    """Return every block that has something to say, each under a bold caption."""
    blocks = [(caption, block(report)) for caption, block in BLOCKS]
    return "\n\n".join(f"**{caption}**\n\n{body}" for caption, body in blocks if body)


def _missing(report: Report) -> str:
    missing = report["coverage"]["missing"]
    rows = [
        (words.title(m["role"], m["layer"]), code(m["module"] or NONE), text(m["reason"]))
        for m in missing
    ]
    return _listed(("tensor", "module", "reason"), rows)


def _not_finite(report: Report) -> str:
    rows = [
        (
            words.title(s["role"], s["layer"]),
            code(s["module"]),
            *_counts(s["num_nan"], s["num_inf"]),
        )
        for s in report["sites"]
        if s["num_nan"] + s["num_inf"]
    ]
    return _listed(("tensor", "module", "NaN", "infinite"), rows)


def _roles(report: Report) -> str:
    rows = []
    for name, row in report["max_by_role"].items():
        layer = NONE if row["layer"] is None else str(row["layer"])
        role = ROLE_BY_NAME[name].title
        rows.append((role, numbers.value(abs(row["value"])), layer, code(row["module"])))
    return table(("role", "largest", "layer", "module"), rows, numbers=(1, 2)) if rows else ""


def _layers(report: Report) -> str:
    """The layers with the largest values of the roles that M is taken over."""
    columns = [role for role in ROLES if role.per_layer and role.name in report["max_by_role"]]
    lines = {role: summaries.per_layer(report, role.name) for role in columns}
    in_m = [line for role, line in lines.items() if role.in_global_max]
    heights = {
        layer: max((line[layer] or 0.0 for line in in_m), default=0.0)
        for layer in range(report["model"]["num_layers"])
        if any(line[layer] is not None for line in lines.values())
    }
    chosen = sorted(heights, key=lambda layer: (-heights[layer], layer))[:MOST_LAYERS]
    rows = [(str(layer), *(_value(line[layer]) for line in lines.values())) for layer in chosen]
    if not rows:
        return ""
    head = ("layer", *(role.title for role in columns))
    return table(head, rows, numbers=range(len(head)))


def _domains(report: Report) -> str:
    texts, peak = report["protocol"]["corpus"]["domains"], report["global_max"]
    if peak is None or not peak["abs_max"]:
        return ""
    rows = [
        (
            text(name),
            numbers.count(texts.get(name, 0)),
            _value(value),
            NONE if value is None else numbers.percent(value / peak["abs_max"]),
        )
        for name, value in report["domains"].items()
    ]
    return table(("domain", "texts", "largest", "of M"), rows, numbers=(1, 2, 3))


def _formats(report: Report) -> str:
    rows = []
    for name, row in report["dtype_headroom"].items():
        where, found = row["where"], "no"
        if where is not None:
            site = words.title(where["role"], where["layer"])
            found = f"yes: {words.reached(where)} in the {site}"
        ratio = NONE if row["ratio"] is None else numbers.ratio(row["ratio"])
        rows.append((code(name), numbers.value(row["largest_finite"]), ratio, found))
    head = ("format", "largest finite", "M over it", "exceeded by a watched tensor, unscaled")
    note = "FP8 is deployed with scales: exceeding its unscaled range is no verdict."
    if "kv" in report:
        note = (
            "FP8 weights and inputs are deployed with scales: exceeding its unscaled range is no "
            "verdict. Of keys and values it is one, for caches have none unless they are given."
        )
    told = " ".join(excess_words.excesses(report, code))
    scaled = excess_words.scaling(report, code)
    return "\n\n".join(filter(None, [table(head, rows, numbers=(1, 2)), note, told, scaled]))


def _int8(report: Report) -> str:
    rows = []
    for row in summaries.decibels(report):
        policy = words.POLICIES.get(row.policy, text(row.policy))
        low = f"{row.lowest[0]:.1f} (layer {row.lowest[1]})"
        rest = (row.median, row.highest, row.at_peak, row.final_norm)
        rows.append((policy, low, *(NONE if dB is None else f"{dB:.1f}" for dB in rest)))
    if not rows:
        return ""
    head = ("threshold", "lowest", "median", "highest", "at M", "final norm")
    note = (
        "Per tensor, in dB; lowest, median and highest over the hidden states. Deployed kernels do "
        "not quantize the residual stream: this describes tensors and predicts no accuracy."
    )
    return f"{table(head, rows, numbers=range(1, 6))}\n\n{note}"


def _stability(report: Report) -> str:
    subsets, reason = report["stability"]["subsets"], report["stability"]["reason"]
    rows = [
        (
            numbers.count(row["size"]),
            str(len(row["values"])),
            f"{numbers.value(min(row['values']))} to {numbers.value(max(row['values']))}",
            _share(row["range_over_mean"]),
            _share(row["coefficient_of_variation"]),
        )
        for row in subsets
    ]
    if not rows:
        return _sentence(f"Not measured: {text(reason)}") if reason else ""
    head = ("texts", "subsets", "M", "range / mean", "coefficient of variation")
    note = (
        "The paper calls range / mean CV; the last column is the sample standard deviation / mean."
    )
    return f"{table(head, rows, numbers=range(5))}\n\n{note}"


def _certainty(report: Report) -> str:
    """What the maxima of single texts say; tables follow doublings of the texts and positions."""
    told = " ".join(certainty_words.sentences(report, text))
    tables = [_saturation(report), position_words.markdown(report)]
    return "\n\n".join(filter(None, [told, *tables]))


def _saturation(report: Report) -> str:
    by_text = report["stability"].get("by_text")
    if by_text is None:
        return ""
    later = by_text["after_first_token"]
    without: dict[int, float | None] = {
        row["num_texts"]: row["expected"] for row in later["saturation"]
    }
    found = by_text["all_tokens"]["saturation"][-MOST_SIZES:]
    # Some texts may have no other token: all the others are those that all of them stand for.
    without |= {row["num_texts"]: later["abs_max"] for row in found[-1:] if without}
    rows = [
        (
            numbers.count(row["num_texts"]),
            numbers.value(row["expected"]),
            _value(without.get(row["num_texts"])),
        )
        for row in found
    ]
    head = ("texts, at random", "expected M", "without first tokens")
    return table(head, rows, numbers=range(3)) if rows else ""


def _massive(report: Report) -> str:
    hidden = [s for s in report["sites"] if s["role"] == "hidden_state"]
    seen = [s for s in hidden if s["massive"]["num_tokens"]]
    if not seen:
        return f"None in {numbers.count(len(hidden), 'hidden state')} (Sun et al. 2024)."
    ratio = max(s["massive"]["max_ratio"] or 0.0 for s in seen)
    most = max(s["massive"]["num_tokens"] for s in seen)
    return (
        f"In {len(seen)} of {numbers.count(len(hidden), 'hidden state')}, in at most "
        f"{numbers.count(most, 'token')}; largest ratio to a token's median |x|: "
        f"{numbers.value(ratio)} (above 100 and 1,000 times the median, Sun et al. 2024)."
    )


def _experts(report: Report) -> str:
    rows = [
        (
            str(row["layer"]),
            numbers.count(row["num_experts"]),
            *_counts(row["tokens"]["least"], row["tokens"]["median"], row["tokens"]["most"]),
            numbers.ranges(row["never_routed"][:MOST_LISTED]) or NONE,
        )
        for row in report["experts"]
        if row["never_routed"]
    ]
    if not report["experts"]:
        return ""
    layers = numbers.count(len(report["experts"]), "layer")
    head = ("layer", "experts", "least tokens", "median", "most", "never routed to")
    routing = _listed(head, rows) or f"Every expert of {layers} received tokens."
    return "\n\n".join(filter(None, [routing, _largest_gate(report)]))


def _largest_gate(report: Report) -> str:
    """The expert whose gate is largest, over all layers."""
    known = [(row["mlp_gate"], row["layer"]) for row in report["experts"] if row["mlp_gate"]]
    if not known:
        return ""
    gate, layer = max(known, key=lambda found: found[0]["abs_max"])
    value = numbers.value(gate["abs_max"])
    return (
        f"The largest gate inside experts is {value}, in expert {gate['expert']} of layer {layer}."
    )


def _environment(report: Report) -> str:
    facts, protocol = report["environment"], report["protocol"]
    experts = protocol["experts_implementation"]
    said = [
        f"hubmaxact {text(facts['hubmaxact'])}",
        f"torch {text(facts['torch'])}",
        f"transformers {text(facts['transformers'])}",
        f"Python {text(facts['python'])}",
        f"{text(facts['device_name'])} ({text(facts['device_type'])})",
        *(["products in float32, rounded once"] if products_of(facts) == FLOAT32 else []),
        f"attention {text(protocol['attn_implementation'])}",
        *([f"experts {text(experts)}"] if experts else []),
        f"profile {text(protocol['profile'])}",
        f"batch plan {code(protocol['batch_plan_digest'])}",
    ]
    return f"{', '.join(said)}. Compare only with reports of the same protocol."


BLOCKS: tuple[tuple[str, Callable[[Report], str]], ...] = (
    ("Never seen", _missing),
    ("NaN and infinity", _not_finite),
    ("By role", _roles),
    ("Largest layers", _layers),
    ("By domain", _domains),
    ("Number formats", _formats),
    ("What linear maps read and the cache is given", section_rounding.deployed),
    ("Loss with rounding", end_to_end_words.markdown),
    ("Errors of rounding", section_rounding.errors),
    (f"INT8 check: {text(INT8_LABEL)}", _int8),
    ("M over random subsets of the texts", _stability),
    ("How sure M is", _certainty),
    ("Massive activations", _massive),
    ("Experts", _experts),
    ("Environment", _environment),
)
"""Captions and blocks, in order; a block with nothing to say is left out."""


def _listed(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    rest = len(rows) - MOST_LISTED
    more = f"\n\nAnd {numbers.count(rest)} more." if rest > 0 else ""
    return table(head, rows[:MOST_LISTED]) + more


def _counts(*values: int) -> tuple[str, ...]:
    return tuple(numbers.count(value) for value in values)


def _value(value: float | None) -> str:
    return NONE if value is None else numbers.value(value)


def _share(value: float | None) -> str:
    return NONE if value is None else numbers.percent(value)


def _sentence(said: str) -> str:
    return said if said.endswith(".") else f"{said}."
