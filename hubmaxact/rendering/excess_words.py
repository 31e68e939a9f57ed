"""What exceeds a number format, role by role, and what keeps fp16 from overflowing, in words."""

from collections.abc import Callable, Iterator

from hubmaxact.rendering import numbers, words
from hubmaxact.report.derived import Excess
from hubmaxact.report.document import Report
from hubmaxact.report.excess import SCALED, left_beyond
from hubmaxact.report.roles import ROLE_BY_NAME

Name = Callable[[str], str]

MOST_LEFT = 3


def excesses(report: Report, name: Name) -> Iterator[str]:
    """Yield a sentence for each format that is exceeded; none where the profile does not say.

    Args:
        report: Of any profile.
        name: Makes a name fit for where the words stand.

    Yields:
        Roles in their order, each with its layers and how far it goes.
    """
    for format_name, row in report["dtype_headroom"].items():
        if found := row.get("exceeded_by"):
            roles = ", the ".join(map(_role, found))
            yield f"{name(format_name)}, unscaled, is exceeded by the {roles}."


def _role(row: Excess) -> str:
    far = "infinity" if row["factor"] is None else numbers.ratio(row["factor"])
    if tokens := row.get("tokens"):
        far += f" in {numbers.count(tokens, 'token')}"
    layers = f" of layers {numbers.ranges(row['layers'])}" if len(row["layers"]) > 1 else ""
    if len(row["layers"]) == 1:
        layers = f" of layer {row['layers'][0]}"
    return f"{ROLE_BY_NAME[row['role']].title}{layers} ({far})"


def scaling(report: Report, name: Name) -> str | None:
    """What keeps the residual stream within fp16, and what no scaling of it helps.

    Args:
        report: Of any profile.
        name: Makes a module's name fit for where the words stand.

    Returns:
        Sentences. None: the profile does not say, or nothing exceeds fp16.
    """
    row = report["dtype_headroom"][SCALED]
    if not row.get("exceeded_by"):
        return None
    exponent = row.get("residual_exponent")
    if exponent is None:
        return "How far the residual stream goes is not known, for it held NaN or infinity."
    said = [_scaled(exponent), *_left(report, name)]
    return " ".join(filter(None, said))


def _scaled(exponent: int) -> str:
    if not exponent:
        return "The residual stream stays within fp16 as it is."
    return (
        f"The residual stream stays within fp16 when it is scaled by 2^-{exponent}: the embedding "
        f"and whatever is added to it by that, the epsilon of norms that read it by 2^-"
        f"{2 * exponent}."
    )


def _left(report: Report, name: Name) -> Iterator[str]:
    rows = left_beyond(report)
    said = [f"{words.title(row.role, row.layer)} ({name(row.module)})" for row in rows]
    rest = len(said) - MOST_LEFT
    said[MOST_LEFT:] = [f"{numbers.count(rest)} more"] if rest > 0 else []
    if said:
        yield f"No scaling of it changes what else goes beyond: {', '.join(said)}."
