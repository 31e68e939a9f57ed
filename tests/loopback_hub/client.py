"""Running the command line against a loopback Hub: a process of its own, an empty home."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopback_hub.hub import LoopbackHub

KEPT = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "TEMP", "SYSTEMROOT", "COVERAGE_PROCESS_CONFIG")


@dataclass(frozen=True)
class Finished:
    """What a command did."""

    code: int
    raw: bytes
    stderr: str

    @property
    def stdout(self) -> str:
        return self.raw.decode()

    @property
    def said(self) -> str:
        return self.stdout + self.stderr


def environment(hub: "LoopbackHub", home: Path, token: str | None = None) -> dict[str, str]:
    """The whole environment of a client of `hub` whose home is `home`; nothing of ours leaks in."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    if path := os.environ.get("PYTHONPATH"):
        kept["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, path.split(os.pathsep)))
    offered = {"HF_TOKEN": hub.token if token is None else token}
    return {
        **kept,
        **{name: value for name, value in offered.items() if value},
        "HOME": str(home),
        "USERPROFILE": str(home),  # Windows' word for it
        "HF_HOME": str(home / "hf"),
        "HF_ENDPOINT": hub.url,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_XET": "1",
        "NO_PROXY": "127.0.0.1",
        "OMP_NUM_THREADS": "1",  # several processes share the cores
        "HUBMAXACT_BACKOFF_SECONDS": "0.005",
        "PYTHONWARNINGS": "error::UserWarning",
        "PYTHONUTF8": "1",
    }


def run_cli(
    arguments: Sequence[str | Path],
    hub: "LoopbackHub",
    home: Path,
    *,
    token: str | None = None,
    extra: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout: float = 300,
) -> Finished:
    """Run `python -m hubmaxact ARGUMENTS`. `token` replaces the hub's own; "" means none."""
    done = subprocess.run(
        [sys.executable, "-m", "hubmaxact", *map(str, arguments)],
        env=environment(hub, home, token) | dict(extra or {}),
        cwd=home,
        input=stdin,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr.decode())


def at_once(command: Callable[..., Finished], argument_lists: Iterable[Sequence]) -> list[Finished]:
    """Run a command for each list of arguments, a few processes side by side."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(lambda arguments: command(*arguments), argument_lists))
