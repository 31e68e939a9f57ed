"""`hf maxact ...`: the same command line, dispatched by huggingface_hub's own CLI, offline."""

import json
import stat
import subprocess
import sys
from importlib.metadata import version

import pytest

from hubmaxact import __version__

MANIFEST = {
    "owner": "hubmaxact",
    "repo": "hf-maxact",
    "repo_id": "hubmaxact/hf-maxact",
    "short_name": "maxact",
    "type": "binary",
    "installed_at": "2026-01-01T00:00:00+00:00",
    "description": "Activation maxima",
    "commit_sha": "0" * 40,
}


@pytest.fixture
def hf(desk):
    """Run `hf` in a home where the extension is installed."""
    folder = desk.home / ".local/share/hf/extensions/hf-maxact"
    folder.mkdir(parents=True)
    executable = folder / "hf-maxact"
    executable.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hubmaxact "$@"\n')
    executable.chmod(executable.stat().st_mode | stat.S_IXUSR)
    manifest = MANIFEST | {"executable_path": str(executable)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    from loopback_hub import environment

    def run(*arguments):
        main = "from huggingface_hub.cli.hf import main; main()"
        return subprocess.run(
            [sys.executable, "-c", main, "maxact", *map(str, arguments)],
            env=environment(desk.hub, desk.home),
            cwd=desk.home,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_arguments_output_and_exit_code_pass_through(hf, desk):
    assert hf("--version").stdout == f"hubmaxact, version {__version__}\n"
    assert hf("push", desk.file, "alice/nope").returncode == 2
    done = hf("push", desk.file, "alice/model")
    assert done.returncode == 0
    assert done.stdout.startswith(f"{desk.hub.url}/alice/model/commit/")


def test_the_client_is_one_that_we_support():
    major, minor = (int(part) for part in version("huggingface_hub").split(".")[:2])
    assert (1, 31) <= (major, minor) < (3, 0)
