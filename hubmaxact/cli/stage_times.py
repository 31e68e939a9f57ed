"""How long each stage of a run took."""

from time import monotonic

from rich import box
from rich.console import Console
from rich.table import Table


class StageTimes:
    """A stage ends where the next one begins."""

    def __init__(self) -> None:
        self._begun: list[tuple[str, float]] = []

    def begin(self, stage: str) -> None:
        """The stage before is over."""
        self._begun.append((stage, monotonic()))

    def show(self, console: Console) -> None:
        """End the last stage, and print a line for each and their sum.

        Args:
            console: Where to.
        """
        ends = [begun for _, begun in self._begun[1:]] + [monotonic()]
        table = Table(box=box.SIMPLE_HEAD, show_footer=True)
        table.add_column("Stage", "Together")
        table.add_column("Seconds", f"{ends[-1] - self._begun[0][1]:.1f}", justify="right")
        for (stage, begun), end in zip(self._begun, ends, strict=True):
            table.add_row(stage, f"{end - begun:.1f}")
        console.print(table)
