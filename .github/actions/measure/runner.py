"""What a step says to the runner: outputs, the job summary, errors, and other programs' words.

Knows the runner's files and commands; knows nothing of inputs or reports. Standard library only.
"""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, NoReturn

# A child gets the credentials that it is given and no others, and none of this action's inputs.
WITHHELD = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_OIDC_RESOURCE", "HF_OIDC_ID_TOKEN")

SENTENCES = ("hubmaxact: ", "Error: ")
"""How hubmaxact, and click for a wrong call, begin the sentence that says why they fail."""

LONGEST = 2000  # characters of an annotation


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


def fail(sentence: str, code: int = 2) -> NoReturn:
    """Show one sentence as the job's error and stop, by default as for what a user can fix."""
    _annotate(sentence)
    sys.exit(code)


def run(step: Callable[[], None]) -> None:
    """Run a step; a fault of this action's own is the job's error too, beside its traceback."""
    sys.excepthook = _show_fault
    step()


class Finished(NamedTuple):
    """A program's end: its exit code, and what it wrote on stdout and on stderr."""

    code: int
    printed: str
    said: str

    @property
    def reason(self) -> str:
        """Why it failed: its sentence, else the first of what it found, else its last words."""
        if self.code < 0:
            return _on_signal(-self.code)
        said, found = _lines(self.said), _lines(self.printed)
        for prefix in SENTENCES:
            if told := [line for line in said if line.startswith(prefix)]:
                return told[-1].removeprefix(prefix)
        if found and not said:
            return found[0] + (f" (and {len(found) - 1} more)" if len(found) > 1 else "")
        return said[-1] if said else f"exit code {self.code}, without a word"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _on_signal(number: int) -> str:
    name = signal.Signals(number).name
    hint = ", as happens where memory runs out" if name == "SIGKILL" else ""
    return f"it was ended by {name}{hint}"


def hubmaxact(
    *arguments: str, credentials: Mapping[str, str] | None = None, keep: bool = False
) -> Finished:
    """Run `hubmaxact ARGUMENTS`; what it prints as data stays out of the log if it is kept.

    Everything else that it prints goes to the log, where none of it counts as a command.
    """
    program = Path(os.environ["RUNNER_TEMP"], "hubmaxact", "bin", "hubmaxact")
    with (
        _commands_off(),
        ThreadPoolExecutor() as readers,
        subprocess.Popen(  # noqa: S603 a list of checked words, no shell
            [program, *arguments],
            env={**_inherited(), **(credentials or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        printed = readers.submit(_read, process.stdout, show=not keep)
        said = readers.submit(_read, process.stderr, show=True)
        code = process.wait()
        return Finished(code, printed.result(), said.result())


def _read(stream: IO[bytes] | None, *, show: bool) -> str:
    """Read to the end; show each line as it comes, for a run may take hours."""
    assert stream is not None, "every stream is a pipe"
    lines = []
    for line in stream:
        lines.append(line)
        if show:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
    return b"".join(lines).decode("utf-8", "replace")


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


def _annotate(sentence: str) -> None:
    cut = sentence if len(sentence) <= LONGEST else f"{sentence[:LONGEST]}..."
    _say(f"::error title=hubmaxact::{_escaped(cut)}")


def _show_fault(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    sys.__excepthook__(kind, error, trace)
    _annotate(f"this action failed by a fault of its own ({kind.__name__}: {error}). Report it.")


def _escaped(text: str) -> str:
    """As the runner reads it back; what a reader could not see is written out."""
    codes = {"%": "%25", "\r": "%0D", "\n": "%0A"}
    return "".join(
        codes.get(letter, letter if letter.isprintable() else f"\\u{ord(letter):04x}")
        for letter in text
    )
