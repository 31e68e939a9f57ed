"""A run layer by layer over the same run in memory: time, and the most memory that was held.

    python benchmarks/streaming.py [GIBIBYTES] [TEXTS] [BATCH_TOKENS] [DEVICE] [PROFILE]

Makes a checkpoint of 4 GiB (or so many) of random bf16 weights in a temporary folder, on a GPU in
layers as wide as those of an 8 B model, and measures it in a process of its own each way. The
weights are read once beforehand, so that both find them in the page cache if it holds them. What a
process held is its largest resident set, mapped files counted (Linux and macOS), and on a GPU what
torch's allocator took there at most. The reports must be equal to the last byte.
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from held_memory import held_by  # noqa: E402 found by the line above
from measurement.streaming.large import LIKE_8B, WIDER, make  # noqa: E402 likewise

AT_ONCE = 1 << 24
RUN = """
import sys
from hubmaxact.cli.main import main
try:
    main()
finally:
    if "torch" in sys.modules:
        print(sys.modules["torch"].cuda.max_memory_reserved() / 2**20)
"""
"""Runs the command line, and prints how many mebibytes torch took of a GPU at most."""


class Taken(NamedTuple):
    """What one way took."""

    seconds: float
    mebibytes: float
    on_gpu: float  # mebibytes there


def main(
    gibibytes: str = "4",
    texts: str = "32",
    batch: str = "1024",
    device: str = "cpu",
    profile: str = "paper",
) -> None:
    """Print what both ways take."""
    with TemporaryDirectory(prefix="streaming-") as name:
        folder, shape = Path(name), WIDER if device == "cpu" else LIKE_8B
        checkpoint = make(folder / "model", int(float(gibibytes) * 2**30), **shape)
        words = ["--num-samples", texts, "--batch-tokens", batch, "--max-seq-len", batch]
        words += ["--calibration-samples", texts, "--device", device, "--profile", profile]
        reading, size = read(checkpoint)
        print(f"{size / 2**30:.2f} GiB, read in {reading:.1f} s")
        whole = measured(checkpoint, folder / "whole.json", words)
        streamed = measured(checkpoint, folder / "streamed.json", [*words, "--stream"])
        if (folder / "whole.json").read_bytes() != (folder / "streamed.json").read_bytes():
            raise SystemExit("the reports differ")
        for way, taken in (("in memory", whole), ("streamed", streamed)):
            ratio = taken.seconds / whole.seconds
            held = f"{taken.mebibytes:,.0f} MiB, {taken.on_gpu:,.0f} MiB on the GPU"
            print(f"{way:9} {taken.seconds:6.1f} s, {ratio:.2f} times in memory; {held}")


def read(folder: Path) -> tuple[float, int]:
    """Read every weight file once; returns the seconds and the bytes."""
    began, size = perf_counter(), 0
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb", buffering=0) as file:
            while some := file.read(AT_ONCE):
                size += len(some)
    return perf_counter() - began, size


def measured(checkpoint: Path, output: Path, words: list[str]) -> Taken:
    """Measure once."""
    command = [sys.executable, "-c", RUN, "measure", str(checkpoint)]
    began = perf_counter()
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    printed, held = held_by(*command, "--output", output, *words, env=env)
    return Taken(perf_counter() - began, held / 2**20, float(printed.split()[-1]))


if __name__ == "__main__":
    main(*sys.argv[1:])
