"""What INT-8 thresholds follow from: each site's values of the calibration split, whoever saw them.

Of a recorder's state these are a few tensors, so several processes agree on thresholds without
telling each other all that they have seen.
"""

from collections.abc import Iterable, Mapping

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.statistics.accumulator import State, by_part
from hubmaxact.measurement.statistics.int8_error import POLICIES
from hubmaxact.measurement.statistics.values_by_dtype import Values, values_for

Thresholds = Mapping[str, float]
"""INT-8 policy -> its threshold; a policy that finds none above zero is left out."""

DTYPE = "dtype"
"""In a site's state the name of an empty tensor, whose dtype is that of the site's tensors."""


def thresholds_for(calibration: Values) -> Thresholds:
    """Tell what each policy takes.

    Args:
        calibration: All values of a site's calibration split.

    Returns:
        Its thresholds.
    """
    found = {name: policy(calibration) for name, policy in POLICIES.items()}
    return {name: threshold for name, threshold in found.items() if threshold}


def calibration_of(state: State) -> State:
    """Choose what thresholds follow from.

    Args:
        state: Of a recorder.

    Returns:
        Those of its tensors that `thresholds_of` reads.
    """
    wanted = {DTYPE, str(Split.CALIBRATION)}
    return {name: tensor for name, tensor in state.items() if wanted & set(name.split("/")[1:2])}


def thresholds_of(states: Iterable[State]) -> dict[str, Thresholds]:
    """Tell the thresholds of a calibration split of which several have seen parts.

    Args:
        states: What `calibration_of` chose of each, on any device.

    Returns:
        By the key of its site, what each policy takes; sites that no part reached are left out.
    """
    seen = dict[str, Values]()
    for state in states:
        for key, site in by_part(state).items():
            parts = by_part(site)
            dtype = parts[DTYPE][""].dtype
            values = values_for(dtype)
            values.load(parts[Split.CALIBRATION])
            if key in seen:
                seen[key].merge(values)
            else:
                seen[key] = values
    return {key: thresholds_for(values) for key, values in seen.items()}
