"""The catalog's benchmark runs and prints throughput; how high it is, is not a test's business."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from command import environment

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "catalog_build.py"


@pytest.mark.nightly
def test_the_benchmark_prints_reports_per_second(tmp_path):
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), "101", str(tmp_path)],
        capture_output=True,
        text=True,
        env=environment(tmp_path),
        check=True,
    )
    assert re.search(r"^from nothing: [\d,]+ reports/s .* 0 unchanged", done.stdout)
    assert "101 unchanged" in done.stdout
    assert "99 unchanged" in done.stdout
    assert "read: 128 rows" in done.stdout
