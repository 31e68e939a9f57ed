"""Memory that is freed and asked for again is the process's own meanwhile."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import resource, torch
from hubmaxact.measurement.execution.kept_heap import keep_freed_memory

def faults(layers):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(layers):
        tensors = [torch.ones(12 << 18) for _ in range(16)]
        del tensors
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

torch.set_num_threads(1)
keep_freed_memory()
faults(2)
print(faults(5))
"""
PAGES_OF_A_LAYER = 16 * 12 * 256
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="another C library")


def faults(**env):
    """Pages that were cleared for five layers' tensors."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, env={**clean, **env}, capture_output=True, check=True)
    return int(done.stdout)


@pytest.mark.nightly
def test_freed_memory_is_not_taken_page_by_page_again():
    assert faults() < PAGES_OF_A_LAYER / 10


@pytest.mark.nightly
def test_whoever_has_told_glibc_is_heard():
    assert faults(MALLOC_TRIM_THRESHOLD_="131072") > 4 * PAGES_OF_A_LAYER
