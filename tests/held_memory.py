"""The most memory that a command held, mapped files counted.

A process begins with what the one that started it held at most, as `ru_maxrss` counts; so it is
started by one that holds little.
"""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

STARTER = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
sys.stdout.flush()
print(usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
sys.exit(process.returncode)
"""


def held_by(*command: str | Path, env: Mapping[str, str]) -> tuple[str, int]:
    """Run a command; what it printed, and the most bytes that were resident."""
    words = [sys.executable, "-I", "-c", STARTER, *map(str, command)]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, env=env, check=True)
    *printed, held = done.stdout.splitlines(keepends=True)
    return "".join(printed), int(held)
