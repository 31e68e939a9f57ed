"""What keeping a state costs: seconds that a run spends saving it, over all of its seconds.

    python benchmarks/saving.py CHECKPOINT [OPTION of hubmaxact measure...]

Runs `hubmaxact measure CHECKPOINT --state-dir ...` in this process, with a clock around each save.
The state and the report lie in a temporary folder, on the disk of `TMPDIR`.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from unittest.mock import patch

sys.path[:0] = [str(Path(__file__).parents[1])]

from hubmaxact.cli.main import main as command_line  # noqa: E402 found by the line above
from hubmaxact.measurement.state.save_times import SaveTimes  # noqa: E402 likewise

SAVE = SaveTimes.now


def main(checkpoint: str, *options: str) -> None:
    """Print what saving takes."""
    saves = list[float]()

    def timed(self: SaveTimes, make: object) -> bool:
        began = perf_counter()
        try:
            return SAVE(self, make)  # type: ignore[arg-type] # as it is given
        finally:
            saves.append(perf_counter() - began)

    with TemporaryDirectory(prefix="saving-") as name:
        words = ["hubmaxact", "measure", checkpoint, "--state-dir", f"{name}/state"]
        words += ["--output", f"{name}/report.json", *options]
        began = perf_counter()
        with patch.object(sys, "argv", words), patch.object(SaveTimes, "now", timed):
            try:
                command_line()
            except SystemExit as end:
                if end.code:
                    raise
        whole = perf_counter() - began
    print(f"{len(saves)} saves, {sum(saves):.1f} s of {whole:.1f} s ({sum(saves) / whole:.2%})")


if __name__ == "__main__":
    main(*sys.argv[1:])
