"""Which piece of a tensor comes next, asked by loops that several threads run at once."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import intrinsic

from hubmaxact.measurement.loops.compiled import Array, compiled


def none_taken() -> npt.NDArray[np.int64]:
    """Where threads that share pieces count those that are taken."""
    return np.zeros(1, np.int64)


@intrinsic
def _add_one(_: Any, array: Any) -> Any:
    """The first integer of an array before one is added to it, which no other thread gets."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, arguments[0])
        one = context.get_constant(types.int64, 1)
        return builder.atomic_rmw("add", made.data, one, "monotonic")

    return types.int64(array), generate


@compiled
def next_piece(taken: Array) -> Any:
    """Take a piece that nobody has taken yet.

    Args:
        taken: How many pieces are taken, raised; see `none_taken`.

    Returns:
        Its number.
    """
    return _add_one(taken)  # type: ignore[call-arg]  # numba gives the first one itself
