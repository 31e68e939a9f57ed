"""Benchmarks run and print a ratio; how large it is, is not a test's business."""

import re
import subprocess
import sys
from pathlib import Path

from command import DENSE, environment

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "overhead.py"


def test_the_benchmark_prints_a_ratio(tmp_path):
    command = [sys.executable, str(BENCHMARK), str(DENSE), "4", "32"]
    env = environment(tmp_path)
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=True)
    assert re.search(r"^128 tokens, \d+ sites, cpu$", done.stdout, re.MULTILINE)
    assert re.search(r"^ratio \d+\.\d\d$", done.stdout, re.MULTILINE)
