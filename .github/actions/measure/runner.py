"""What a step says to the runner: outputs, the job summary, errors, and other programs' words.

Knows the runner's files and commands; knows nothing of inputs or reports. Standard library only.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

# A child gets the credentials that it is given and no others, and none of this action's inputs.
WITHHELD = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_OIDC_RESOURCE", "HF_OIDC_ID_TOKEN")


def set_output(name: str, value: str) -> None:
    """Set an output of this step; a value that could smuggle in a second one is refused."""
    if "\n" in value or "\r" in value:
        raise ValueError(f"the output {name} has a line break")
    _append("GITHUB_OUTPUT", f"{name}={value}\n")


def add_summary(*paragraphs: str) -> None:
    """Add paragraphs of Markdown to the job's summary page."""
    _append("GITHUB_STEP_SUMMARY", "".join(f"{paragraph.rstrip()}\n\n" for paragraph in paragraphs))


def mask(secret: str) -> None:
    """Have the runner blot out a secret wherever it would appear in the log."""
    _say(f"::add-mask::{_escaped(secret)}")


def fail(sentence: str) -> NoReturn:
    """Show one sentence as the job's error and stop with the code for what a user can fix."""
    _say(f"::error title=hubmaxact::{_escaped(sentence)}")
    sys.exit(2)


def hubmaxact(
    *arguments: str, credentials: Mapping[str, str] | None = None, keep: bool = False
) -> tuple[int, str]:
    """Run `hubmaxact ARGUMENTS`; return its exit code and, if kept, what it printed as data.

    Everything else that it prints goes to the log, where none of it counts as a command.
    """
    program = Path(os.environ["RUNNER_TEMP"], "hubmaxact", "bin", "hubmaxact")
    with _commands_off():
        done = subprocess.run(  # noqa: S603 a list of checked words, no shell
            [program, *arguments],
            env={**_inherited(), **(credentials or {})},
            stdout=subprocess.PIPE if keep else None,
            stderr=sys.stdout,
            encoding="utf-8",
            check=False,
        )
    return done.returncode, done.stdout or ""


@contextmanager
def _commands_off() -> Iterator[None]:
    # The word that turns commands on again cannot be guessed by whoever wrote what is printed.
    word = secrets.token_hex(16)
    _say(f"::stop-commands::{word}")
    try:
        yield
    finally:
        _say(f"\n::{word}::")


def _inherited() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name not in WITHHELD and not name.startswith("INPUT_")
    }


def _append(file: str, text: str) -> None:
    with Path(os.environ[file]).open("a", encoding="utf-8") as stream:
        stream.write(text)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
