"""A generalized Pareto tail fitted to cells of exceedances: peaks over a threshold.

The likelihood is that of cells, so values that bf16 rounded to one number are no ties. It is worked
out on a grid of shapes and scales, with equal weight for every shape and every logarithm of a
scale; whatever is asked is then a mean over the grid, its uncertainty included.

G points of the grid, C cells.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hubmaxact.measurement.assembly.certainty.bf16_cells import Exceedances, Float64s

SHAPES = (np.arange(50) - 24.5) / 25  # never 0, where the formula has a gap
LOG_SCALES = (np.arange(49) - 24) / 20  # about the scale that the mean excess asks for


def survival(
    excess: Float64s | float, shape: Float64s | float, scale: Float64s | float
) -> Float64s:
    """Return the share of exceedances beyond an excess; arguments of shapes that broadcast."""
    reach = np.maximum(1 + shape * excess / scale, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.exp(-np.log(reach) / shape), np.float64)


@dataclass(frozen=True)
class ParetoTail:
    """What exceedances say of the tail that they come from."""

    seen: Exceedances

    @cached_property
    def _grid(self) -> tuple[Float64s, Float64s]:
        """Shapes and scales of all points, (G, 1) each."""
        shape, log_scale = np.meshgrid(SHAPES, LOG_SCALES, indexing="ij")
        scale = self.seen.mean * (1 - shape) * np.exp(log_scale)
        return shape.reshape(-1, 1), scale.reshape(-1, 1)

    @cached_property
    def weights(self) -> Float64s:
        """Of the points, (G,), from their likelihood; they add up to one."""
        is_seen = self.seen.counts_C > 0
        lower_C, upper_C = self.seen.lower_C[is_seen], self.seen.upper_C[is_seen]
        share_GC = survival(lower_C, *self._grid) - survival(upper_C, *self._grid)
        with np.errstate(divide="ignore"):
            log_GC = np.log(share_GC) * self.seen.counts_C[is_seen]
        likelihood_G = log_GC.sum(axis=1)
        weights = np.exp(likelihood_G - likelihood_G.max())
        return np.asarray(weights / weights.sum())

    @cached_property
    def shape(self) -> float:
        """The mean shape; a tail with an end has a negative one."""
        return float((self.weights * self._grid[0][:, 0]).sum())

    @cached_property
    def scale(self) -> float:
        """The mean scale (geometric), in units of activations."""
        return float(np.exp((self.weights * np.log(self._grid[1][:, 0])).sum()))

    def not_exceeded(self, value: float, times: float) -> float:
        """Return the probability that none of so many further texts exceeds a value.

        Args:
            value: Not below the threshold.
            times: How many texts more, in corpora.

        Returns:
            A share of one, over all points and over all rates at which the threshold may be passed:
            with k seen in one corpus, the rate of one is Gamma(k).
        """
        beyond_G = survival(value - self.seen.threshold, *self._grid)[:, 0]
        none_G = (1 + times * beyond_G) ** -self.seen.number
        return float((self.weights * none_G).sum())
