"""A comparison in sentences: what each report holds, and what changed between releases.

`name` makes strangers' text safe for the place it will stand in.
"""

from hubmaxact.comparison.comparison import CarrierChange, Change, Comparison, Entry, Mover
from hubmaxact.comparison.table import Name, Table, change
from hubmaxact.rendering import numbers, words
from hubmaxact.report.document import GlobalMax
from hubmaxact.report.roles import ROLE_BY_NAME

STATUS = {
    "complete": "",
    "partial": "Partial: {missing} never seen. ",
    "non_finite": "{broken} held NaN or infinity; what follows is over finite values. ",
}


def peak(entry: Entry, name: Name) -> str:
    """M of one report, where it sits, and its ties."""
    caveat = STATUS[entry.status].format(
        missing=numbers.count(entry.num_missing, "expected tensor"),
        broken=numbers.count(entry.num_non_finite, "watched tensor"),
    )
    found = entry.global_max
    if found is None:
        return f"{caveat}No watched tensor held a finite value."
    site = words.title(found["role"], found["layer"])
    said = [
        f"{caveat}M = {numbers.value(found['abs_max'])} in the {site}: {words.place(found, name)}.",
        words.signed(found),
        f"One bf16 step there is {numbers.value(found['bf16_step'])}.",
        words.ties(found),
    ]
    return " ".join(filter(None, said))


def measured(comparison: Comparison) -> str:
    """Whether the reports may be compared at all."""
    if not comparison.comparable:
        return (
            "Measured under different protocols: differences below may come from the models or "
            "from the measurements."
        )
    if any(row.differs for row in comparison.protocol):
        return (
            "Measured under the same protocol, but for what follows from tokenizers, kernels and "
            "batches."
        )
    return "Measured under the same protocol."


def changed(comparison: Comparison, each: Change, name: Name) -> str:
    """What happened to M from one release to the next, and where it sits now."""
    before, after = (
        next(entry for entry in comparison.reports if entry.column == column)
        for column in (each.before, each.after)
    )
    said = ["The weight files are the same."] if each.same_weights else []
    old, new = before.global_max, after.global_max
    if old is None or new is None or each.carrier is None:
        without = " and ".join(e.column for e in (before, after) if e.global_max is None)
        return " ".join([*said, f"No finite M in {without}, so nothing to compare M with."])
    said.append(_size(each, old, new))
    said.append(_place(each.carrier, old, new, name))
    said.append(_unmatched(each))
    return " ".join(filter(None, said))


def movers(each: Change, name: Name) -> Table | None:
    """The tensors that changed most; None when none did."""
    rows = tuple(
        (_sites(m, name), numbers.value(m.before), numbers.value(m.after), change(m.ratio))
        for m in each.movers
    )
    head = ("tensors", each.before, each.after, f"{each.before} to {each.after}")
    return Table(caption="Largest changes", head=head, rows=rows) if rows else None


def _size(each: Change, old: GlobalMax, new: GlobalMax) -> str:
    if old["abs_max"] == new["abs_max"]:
        return f"M stays {numbers.value(old['abs_max'])} in magnitude."
    values = f"M goes from {numbers.value(old['abs_max'])} to {numbers.value(new['abs_max'])}"
    rounding = ", no more than one bf16 step" if each.within_bf16_step else ""
    return f"{values} in magnitude ({change(each.ratio)}){rounding}."


def _place(carrier: CarrierChange, old: GlobalMax, new: GlobalMax, name: Name) -> str:
    here, there = (f"{_site(at, name)}, channel {at['channel']:,}" for at in (new, old))
    if carrier.moved or carrier.channel_moved:
        where = f"Its carrier moved from the {there}, to the {here}"
    else:
        where = f"Its carrier is still the {here}"
    if carrier.num_before == carrier.num_after == 1:
        return f"{where}."
    counts = (
        f"{numbers.count(carrier.num_before, 'tensor')} held it before, {carrier.num_after} after"
    )
    return f"{where}; {counts}, {carrier.num_shared} of them the same."


def _unmatched(each: Change) -> str:
    """Tensors without a counterpart: never taken for zero."""
    sides = ((each.before, each.num_only_before), (each.after, each.num_only_after))
    said = [f"{numbers.count(n, 'tensor')} of {column}" for column, n in sides if n]
    return f"Without a counterpart: {' and '.join(said)}." if said else ""


def _site(peak: GlobalMax, name: Name) -> str:
    return words.title(peak["role"], peak["layer"]) + _part(peak["part"], name)


def _sites(mover: Mover, name: Name) -> str:
    if len(mover.layers) > 1:
        title = f"{ROLE_BY_NAME[mover.role].title} of layers {numbers.ranges(mover.layers)}"
    else:
        title = words.title(mover.role, next(iter(mover.layers), None))
    return title + _part(mover.part, name)


def _part(part: str | None, name: Name) -> str:
    return "" if part is None else f" ({name(part)})"
