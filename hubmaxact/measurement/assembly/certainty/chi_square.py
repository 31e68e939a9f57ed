"""The upper tail of the chi-square distribution, in closed form for whole degrees of freedom."""

import math


def upper_tail(statistic: float, degrees: int) -> float:
    """Return the probability of a larger value.

    Args:
        statistic: Not negative.
        degrees: Of freedom, at least 1.

    Returns:
        A share of one. Abramowitz and Stegun 26.4.4 and 26.4.5.
    """
    half = statistic / 2
    is_odd = degrees % 2
    total = math.erfc(math.sqrt(half)) if is_odd else math.exp(-half)
    power = 0.5 if is_odd else 1.0
    while power < degrees / 2:
        if half > 0:
            total += math.exp(power * math.log(half) - half - math.lgamma(power + 1))
        power += 1
    return min(total, 1.0)
