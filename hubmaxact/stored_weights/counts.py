"""How many weights are stored in which way, and how many tensors are set aside by which name."""

from collections import Counter

from hubmaxact.scales.names import activation_scale
from hubmaxact.stored_weights.storage import StoredWeights


def by_storage(stored: StoredWeights) -> dict[str, int]:
    """Count the weights of each way of storing.

    Args:
        stored: What weight files hold.

    Returns:
        Name of the way -> weights, most first.
    """
    return _ordered(Counter(each.scheme.storage.name for each in stored.weights))


def by_scale(stored: StoredWeights) -> dict[str, int]:
    """Count the scales of activations and caches by their names.

    Args:
        stored: What weight files hold.

    Returns:
        What stands behind a module's name -> tensors, most first.
    """
    return _ordered(Counter(filter(None, map(activation_scale, stored.set_aside))))


def _ordered(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))
