"""A run layer by layer over the same run in memory: time, and the most memory that was held.

    python benchmarks/streaming.py [GIBIBYTES] [TEXTS] [BATCH_TOKENS] [DEVICE]

Makes a checkpoint of 4 GiB (or so many) of random bf16 weights in a temporary folder, and measures
it in a process of its own each way. The weights are read once beforehand, so that both find them in
the page cache if it holds them. What a process held is its largest resident set, mapped files
counted (Linux and macOS). The reports must be equal to the last byte.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from measurement.streaming.large import WIDER, make  # noqa: E402 found by the line above

AT_ONCE = 1 << 24


def main(gibibytes: str = "4", texts: str = "32", batch: str = "1024", device: str = "cpu") -> None:
    """Print what both ways take."""
    with TemporaryDirectory(prefix="streaming-") as name:
        folder = Path(name)
        checkpoint = make(folder / "model", int(float(gibibytes) * 2**30), **WIDER)
        words = ["--num-samples", texts, "--batch-tokens", batch, "--max-seq-len", batch]
        words += ["--calibration-samples", texts, "--device", device]
        reading, size = read(checkpoint)
        print(f"{size / 2**30:.2f} GiB, read in {reading:.1f} s")
        whole = measured(checkpoint, folder / "whole.json", words)
        streamed = measured(checkpoint, folder / "streamed.json", [*words, "--stream"])
        if (folder / "whole.json").read_bytes() != (folder / "streamed.json").read_bytes():
            raise SystemExit("the reports differ")
        for way, (seconds, peak) in (("in memory", whole), ("streamed", streamed)):
            ratio = seconds / whole[0]
            print(f"{way:9} {seconds:6.1f} s, {ratio:.2f} times in memory; {peak:,.0f} MiB")


def read(folder: Path) -> tuple[float, int]:
    """Read every weight file once; returns the seconds and the bytes."""
    began, size = perf_counter(), 0
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb", buffering=0) as file:
            while some := file.read(AT_ONCE):
                size += len(some)
    return perf_counter() - began, size


def measured(checkpoint: Path, output: Path, words: list[str]) -> tuple[float, float]:
    """Measure once; returns the seconds, and the mebibytes that were held at most."""
    command = [sys.executable, "-m", "hubmaxact", "measure", str(checkpoint)]
    began = perf_counter()
    process = subprocess.Popen(
        [*command, "--output", str(output), *words],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    unit = 1 if sys.platform == "darwin" else 1024
    return perf_counter() - began, usage.ru_maxrss * unit / 2**20


if __name__ == "__main__":
    main(*sys.argv[1:])
