"""Several processes over one: time of the same measurement, whose reports must have the same bytes.

    python benchmarks/processes.py [PROCESSES] [TEXTS] [MAX_SEQ_LEN] [DEVICE] [GIBIBYTES]

Makes a checkpoint of 15 GiB (or so many) of random bf16 weights in layers as wide as those of an
8 B model, in a temporary folder, and measures it with one process and with several that torchrun
starts, each on a GPU of its own. The weights are read and torch is imported beforehand. Of each
way it prints the seconds from start to end, those of its stages together, which leave out what
torchrun does before it starts them, and those of the stage that measures: what is left is starting
and loading, which every process does whatever the number of texts.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

from measurement.streaming.large import LIKE_8B, make  # noqa: E402 found by the line above
from streaming import read  # noqa: E402 likewise

STAGES = re.compile(r"^\s*(Measuring|Together)\b.*?([0-9.]+)\s*$", re.MULTILINE)


class Seconds(NamedTuple):
    """What one way took."""

    whole: float
    together: float
    measuring: float

    def __str__(self) -> str:
        return (
            f"{self.whole:6.1f} s, {self.together:.1f} of them its stages, "
            f"{self.measuring:.1f} of them measuring"
        )


def main(
    processes: str = "2",
    texts: str = "1024",
    length: str = "4096",
    device: str = "cuda",
    gibibytes: str = "15",
) -> None:
    """Print what both ways take."""
    with TemporaryDirectory(prefix="processes-") as name:
        folder = Path(name)
        checkpoint = make(folder / "model", int(float(gibibytes) * 2**30), **LIKE_8B)
        read(checkpoint)
        words = [str(checkpoint), "--num-samples", texts, "--max-seq-len", length]
        words += ["--device", device, "--profile", "deployment", "--timings"]
        one = measured(["-m"], words, folder / "one.json")
        launcher = ["-m", "torch.distributed.run", "--nproc-per-node", processes, "-m"]
        several = measured(launcher, words, folder / "several.json")
        if (folder / "one.json").read_bytes() != (folder / "several.json").read_bytes():
            raise SystemExit("the reports differ")
        print(f"one process    {one}")
        print(f"{processes} processes    {several}")
        of = ("the whole run", "its stages", "measuring")
        for what, long, short in zip(of, one, several, strict=True):
            print(f"{what}: {long / short:.2f} times as fast")


def measured(launcher: list[str], words: list[str], output: Path) -> Seconds:
    """Measure once."""
    command = [sys.executable, *launcher, "hubmaxact", "measure", *words, "--output", str(output)]
    began = perf_counter()
    run = subprocess.run(
        command,
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
    )
    seconds = perf_counter() - began
    found = dict(STAGES.findall(run.stderr))
    if run.returncode or len(found) < 2:
        raise SystemExit(f"{' '.join(command)} failed:\n{run.stderr}")
    return Seconds(seconds, float(found["Together"]), float(found["Measuring"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
