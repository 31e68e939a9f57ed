"""The maxima that formats ask a report for; what it does not hold is refused by name."""

from collections.abc import Sequence
from math import inf

from hubmaxact.engine_files.request import NotExportableError
from hubmaxact.printable import printable
from hubmaxact.report.deployment import HeadMaxima, KeysAndValues, LinearInput
from hubmaxact.report.document import Report
from hubmaxact.report.roles import DEPLOYMENT
from hubmaxact.report.watched_rows import watched_rows

MEASURE = f"Measure with `hubmaxact measure --profile {DEPLOYMENT}`."


def cached(report: Report) -> list[KeysAndValues]:
    """Return what each attention hands to its cache, by layer.

    Args:
        report: Any.

    Returns:
        At least one row, of heads; every maximum is there and every element was finite.

    Raises:
        NotExportableError: Keys and values were not measured, not all of them, not finite, or are
            latents.
    """
    _refuse_missing(report, "key", "value")
    rows = report.get("kv", [])
    if not rows:
        raise NotExportableError(f"the report holds no keys and values (kv). {MEASURE}")
    for row in rows:
        if row["kind"] == "latent":
            raise NotExportableError(
                f"{printable(row['module'])} caches a latent and a rotary key, for which this "
                "format has no scale that any loader is known to take."
            )
        for name, maxima in (("keys", row["key"]), ("values", row["value"])):
            _refuse_broken(f"the {name} of {row['module']}", maxima, maxima["per_head"] or ())
    return rows


def cached_by_layer(report: Report) -> dict[int, KeysAndValues]:
    """Return the same by layer, for formats that know one cache for each.

    Args:
        report: Any.

    Returns:
        Rows by layer, in the layers' order.

    Raises:
        NotExportableError: As for `cached`, or a layer has two caches.
    """
    found: dict[int, KeysAndValues] = {}
    for row in cached(report):
        if (other := found.get(row["layer"])) is not None:
            raise NotExportableError(
                f"layer {row['layer']} has two caches, in {printable(other['module'])} and "
                f"{printable(row['module'])}; this format knows one for each layer."
            )
        found[row["layer"]] = row
    return dict(sorted(found.items()))


def linear_inputs(report: Report) -> list[LinearInput]:
    """Return what linear maps read, in the report's order.

    Args:
        report: Any.

    Returns:
        At least one row; every maximum is there and every element was finite.

    Raises:
        NotExportableError: They were not measured, not all of them, or were not finite.
    """
    _refuse_missing(report, "linear_input")
    rows = report.get("linear_inputs", [])
    if not rows:
        raise NotExportableError(
            f"the report holds no inputs of linear maps (linear_inputs). {MEASURE}"
        )
    for row in rows:
        _refuse_broken(f"the input of {row['modules'][0]}", row)
    return rows


def largest(report: Report) -> tuple[float, str]:
    """Return the largest |x| of everything that was watched, and what held it.

    Args:
        report: Of any profile.

    Returns:
        The magnitude, and a name such as "hidden_state of model.layers.3".

    Raises:
        NotExportableError: NaN or infinity was seen, or nothing at all.
    """
    name, reached = "", -inf
    for row in watched_rows(report):
        here = f"{row.role} of {row.module}"
        if row.num_nan or row.num_inf:
            raise _broken(here)
        if row.abs_max is not None and row.abs_max > reached:
            name, reached = here, row.abs_max
    if not name:
        raise NotExportableError("the report holds no value at all.")
    return reached, printable(name, 200)


def abs_max(row: HeadMaxima | LinearInput) -> float:
    """The largest |x| of a row that `cached` or `linear_inputs` returned."""
    assert row["abs_max"] is not None
    return row["abs_max"]


def per_head(maxima: HeadMaxima) -> list[float]:
    """Return the largest |x| of each head of a row that `cached` returned.

    Args:
        maxima: Of keys or of values.

    Returns:
        As many as there are heads.

    Raises:
        NotExportableError: The report has no room for single heads.
    """
    if maxima["per_head"] is None:
        raise NotExportableError(
            "the report of a model this large has no room for the maxima of single heads. Leave "
            "out --granularity per_head, or --tensor-parallel, for one scale of all heads."
        )
    found = [value for value in maxima["per_head"] if value is not None]
    assert len(found) == len(maxima["per_head"])
    return found


def _refuse_missing(report: Report, *roles: str) -> None:
    for site in report["coverage"]["missing"]:
        if site["role"] in roles:
            where = site["module"] or f"layer {site['layer']}"
            raise NotExportableError(
                f"the report misses {site['role']} of {printable(where)}: "
                f"{printable(site['reason'], 200)}. Engines would take 1.0 for its scale."
            )


def _refuse_broken(
    what: str, row: HeadMaxima | LinearInput, heads: Sequence[float | None] = ()
) -> None:
    if row["num_nan"] or row["num_inf"] or row["abs_max"] is None or None in heads:
        raise _broken(what)


def _broken(what: str) -> NotExportableError:
    return NotExportableError(
        f"{printable(what, 200)} held NaN or infinity, so that no scale covers it. "
        "Measure in a wider format (--dtype), or mend the checkpoint."
    )
