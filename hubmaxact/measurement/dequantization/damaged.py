"""What stops the expansion of a weight whose parts contradict each other."""


class DamagedWeightError(ValueError):
    """Raised for parts that do not fit together; its text is a phrase about the weight."""


def require(condition: bool, phrase: str) -> None:
    """Refuse a weight unless something holds.

    Args:
        condition: What must hold.
        phrase: What is wrong where it does not; follows the weight's name.

    Raises:
        DamagedWeightError: It does not hold.
    """
    if not condition:
        raise DamagedWeightError(phrase)
