"""The Space's benchmark runs and prints its figures; what they are, is not a test's business."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from command import environment

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "space_start.py"
LINES = (
    r"index: 200 releases, [\d,]+ bytes",
    r"serving: \d+\.\d s after the start",
    r"first rows: \d+\.\d s after the start",
    r"opening the page: \d+\.\d\d s",
    r"/data/findings\.json, for the first time: \d+\.\d s",
    r"/download/all\.csv, for the first time: \d+\.\d s",
    r"1 client\(s\): [\d,]+ pages/s, 95 % within [\d,]+ ms",
    r"20 client\(s\): [\d,]+ pages/s, 95 % within [\d,]+ ms",
    r"memory: \d+ MiB at most",
)


@pytest.mark.nightly
def test_the_benchmark_prints_its_figures(tmp_path):
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), "200", str(tmp_path)],
        capture_output=True,
        text=True,
        env=environment(tmp_path),
        check=True,
    )
    assert re.fullmatch("\n".join(LINES) + "\n", done.stdout), done.stdout
