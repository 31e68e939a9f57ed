"""Runs the command line as a user does: a process of its own, an empty home."""

import io
import os
import subprocess
import sys
import warnings
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from hubmaxact.cli.main import main

KEPT = ("PATH", "PYTHONPATH", "LANG", "TMPDIR", "MKL_CBWR", "COVERAGE_PROCESS_CONFIG")
MODELS = Path(__file__).parent / "models"
DENSE, MOE = MODELS / "dense", MODELS / "moe"


def environment(home, **more):
    """An environment that reaches nothing but the loopback interface."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "HF_HOME": str(Path(home) / "hf"),
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "NO_PROXY": "127.0.0.1",
        "OMP_NUM_THREADS": "1",  # several processes share the cores
        **more,
    }


def hubmaxact(*args, home, cwd=None, **more):
    """Run `hubmaxact ARGS`; returns the finished process, output as text."""
    return subprocess.run(
        [sys.executable, "-m", "hubmaxact", *map(str, args)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
        cwd=cwd or home,
        env=environment(home, **more),
    )


def hubmaxact_here(*args, cwd):
    """Run `hubmaxact ARGS` in this process, which has imported torch already.

    For the many runs whose outcome hangs on the files in front of them: nothing of the environment
    is changed, so what asks the Hub or reads a home needs `hubmaxact`.
    """
    command, out, err = ["hubmaxact", *map(str, args)], io.StringIO(), io.StringIO()
    code = 0
    with (
        patch.object(sys, "argv", command),
        chdir(cwd),
        redirect_stdout(out),
        redirect_stderr(err),
        warnings.catch_warnings(action="default"),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code
    return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())
