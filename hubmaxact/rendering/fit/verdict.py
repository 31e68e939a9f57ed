"""A verdict: one word, the number behind it, on what condition it holds, and which module."""

from collections.abc import Callable
from dataclasses import dataclass

from hubmaxact.rendering.fit.levels import Standing

Name = Callable[[str], str]
"""Makes a stranger's text fit for where the words stand."""

NOT_MEASURED = "not measured"
NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a report says of one format.

    Attributes:
        title: The format, and what of a model is kept in it.
        word: The verdict.
        standing: How it is coloured.
        number: What the word follows from; empty where nothing was measured.
        condition: Over what it was measured, and how; or why it was not.
        module: The module that decides; empty where none does.
        lowest_db: SQNR of that module's input where it is the one that is rounded worst, in dB.
    """

    title: str
    word: str
    standing: Standing
    number: str = ""
    condition: str = ""
    module: str = ""
    lowest_db: float | None = None

    @property
    def where(self) -> str:
        """The module that decides, in words."""
        return where(self.module, self.lowest_db)


def where(module: str, lowest_db: float | None) -> str:
    """Say which module decides: lowest model.layers.1.mlp (12.5 dB).

    Args:
        module: Its name, fit for where the words stand; empty where none decides.
        lowest_db: SQNR of its input, where it is the one that is rounded worst.

    Returns:
        Words without a full stop; none without a module.
    """
    return module if lowest_db is None else f"lowest {module} ({lowest_db:.1f} dB)"


def not_measured(title: str, why: str) -> Verdict:
    """Return what is said where nothing was measured.

    Args:
        title: Of the verdict.
        why: The reason, fit for where it will stand.

    Returns:
        A verdict without a number.
    """
    return Verdict(title=title, word=NOT_MEASURED, standing="unknown", condition=why)
