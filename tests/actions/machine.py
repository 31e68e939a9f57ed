"""A runner's machine: a workspace, a folder for temporary files, and the variables of a job."""

import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from loopback_hub import LoopbackHub, environment

STEP_FILES = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE")


@dataclass
class Machine:
    """One job's machine, which reaches a loopback Hub and nothing else.

    `identity` grants the job `id-token: write`; whom the Hub trusts is the Hub's to say.
    """

    hub: LoopbackHub
    home: Path
    event: str = "push"
    ref_name: str = "v1.2.3"
    identity: bool = True
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        for folder in (self.workspace, self.temporary, self.tools):
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def workspace(self) -> Path:
        """Where the calling repository is checked out."""
        return self.home / "workspace"

    @property
    def temporary(self) -> Path:
        return self.home / "temporary"

    @property
    def tools(self) -> Path:
        return self.home / "tools"

    @property
    def github(self) -> dict[str, str]:
        """The `github` context, as far as it is known here."""
        return {"ref_name": self.ref_name, "event_name": self.event, "ref": self.ref}

    @property
    def ref(self) -> str:
        return f"refs/tags/{self.ref_name}"

    def variables(self) -> dict[str, str]:
        """What every step of the job finds in its environment."""
        inherited = environment(self.hub, self.home, token="")
        return {
            **inherited,
            "PATH": f"{self.tools}{os.pathsep}{inherited['PATH']}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": self.event,
            "GITHUB_REF": self.ref,
            "GITHUB_REF_NAME": self.ref_name,
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temporary),
            **(self._identity() if self.identity else {}),
            **self.extra,
        }

    def _identity(self) -> dict[str, str]:
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": self.hub.ci_identity_url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.hub.ci_request_token,
        }

    def step_files(self) -> dict[str, Path]:
        """Fresh, empty files through which a step tells the runner things."""
        folder = Path(tempfile.mkdtemp(dir=self.home, prefix="step-"))
        files = {name: folder / name.lower() for name in STEP_FILES}
        for file in files.values():
            file.touch()
        return files

    def set_up_python(self) -> None:
        """What actions/setup-python leaves behind: `python` on the PATH."""
        self._program(self.tools / "python", "")

    def install_hubmaxact(self) -> None:
        """What the action's install step leaves behind, with the hubmaxact under test in it."""
        self._program(self.temporary / "hubmaxact" / "bin" / "hubmaxact", "-m hubmaxact")

    def written(self) -> dict[Path, bytes]:
        """Every file on the machine."""
        return {path: path.read_bytes() for path in self.home.rglob("*") if path.is_file()}

    def _program(self, path: Path, arguments: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        path.chmod(0o755)
