"""How a checkpoint says that inputs are rounded as served, and what of it can be simulated here.

Knows names alone, so that what cannot be simulated is refused before torch is imported.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hubmaxact.deployed_formats import DYNAMIC, LINEAR_INPUT, SERVED_FORMATS, DeployedFormat
from hubmaxact.errors import OptionsError
from hubmaxact.printable import counted, printable
from hubmaxact.report.document import SimulatedActivations
from hubmaxact.scales.linear_inputs import INPUTS, Convention
from hubmaxact.scales.number_formats import BOUND, FP8, INT8_127, NVFP4
from hubmaxact.stored_weights.storage import RoundedInput, StoredWeights

INSTEAD = "Measure it without --simulate-activations."

SCALED = {"float8_e4m3fn": FP8.name, "int8": INT8_127.name, "nvfp4": NVFP4.name}
"""Format -> what the table of stored scales calls it."""


@dataclass(frozen=True, slots=True)
class Served:
    """How the input of a map is rounded.

    Attributes:
        way: Row of the table of formats, whose values are rounded so.
        scale: What its stored number says. None: none is stored.
    """

    way: DeployedFormat
    scale: Convention | None

    @property
    def policy(self) -> Literal["stored", "dynamic"]:
        """What fixes the scale of a tensor; a bound of dynamic scales does not."""
        return "dynamic" if self.way.policy == DYNAMIC else "stored"


def served(inputs: RoundedInput) -> Served | None:
    """Look up how a server rounds.

    Args:
        inputs: As the checkpoint says.

    Returns:
        None: that is not simulated here.
    """
    way = next(
        (
            each
            for each in SERVED_FORMATS
            if (each.format, each.granularity) == (inputs.format, inputs.granularity)
            and LINEAR_INPUT in each.kinds
        ),
        None,
    )
    if way is None or (inputs.stored is None and way.has_threshold):
        return None
    if inputs.stored is None:
        return Served(way, None)
    wanted = BOUND.name if way.policy == DYNAMIC else SCALED.get(way.format)
    rows = (row for row in INPUTS if inputs.stored in row.names)
    scale = next((row for row in rows if row.number_format.name == wanted), None)
    return None if scale is None else Served(way, scale)


def require_served(name: str, stored: StoredWeights | None) -> StoredWeights:
    """Refuse a checkpoint whose serving cannot be simulated, or rounds nothing.

    Args:
        name: How sentences call the checkpoint.
        stored: What its headers say of quantized weights. None: there are none.

    Returns:
        The same.

    Raises:
        OptionsError: Names what stands in the way.
    """
    if stored is None:
        raise OptionsError(
            f"the weights of {name} are not quantized, so nothing says that a server rounds what "
            f"its linear maps read. {INSTEAD}"
        )
    inputs = [each.scheme.inputs for each in stored.weights if each.scheme.inputs is not None]
    if not inputs:
        raise OptionsError(
            f"{name} quantizes its weights alone ({printable(stored.method, 40)}), so nothing is "
            f"rounded as served. {INSTEAD}"
        )
    for each in dict.fromkeys(inputs):
        if served(each) is None:
            raise OptionsError(
                f"{name} is served with linear inputs in {_said(each)}, which is not simulated "
                f"here. {INSTEAD}"
            )
    return stored


def told(rows: Sequence[SimulatedActivations]) -> str:
    """Return the sentence about what a run is going to round.

    Args:
        rows: As the report has them.

    Returns:
        One sentence.
    """
    said = (
        f"of {counted(row['maps'], 'linear map')} in {row['format']}, {row['granularity']}, "
        f"{row['policy']} scales"
        for row in rows
    )
    return f"Activations are rounded as served, simulated: the input {'; '.join(said)}."


def _said(inputs: RoundedInput) -> str:
    scale = f"scales in {inputs.stored}" if inputs.stored else "dynamic scales"
    return printable(f"{inputs.format} {inputs.granularity} with {scale}", 120)
