"""The code that a checkpoint brings along, as files: found by reading, never by running one."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.printable import printable
from hubmaxact.recognition.listing import Listing

REFERENCE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*")
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RELATIVE = re.compile(r"\s*(?:import\s+\.(\S+)\s*$|from\s+\.(\S+)\s+import)")
"""As transformers finds what it copies beside a module: what it does not copy cannot be imported.

Source: get_relative_imports in transformers/dynamic_module_utils.py.
"""

MOST_FILES = 64
MOST_BYTES = 5_000_000
"""Of one file; the largest of known releases have 200 KB."""


class CodeFile(NamedTuple):
    """One file of code, as a report names it."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class OwnCode:
    """What is run of a checkpoint's code.

    Attributes:
        model: "module.Class" of the model. None: transformers has a class of its own.
        tokenizer: Likewise of the tokenizer.
        files: Of both, and of all that they import from beside them.
    """

    model: str | None
    tokenizer: str | None
    files: tuple[CodeFile, ...] = ()

    @property
    def classes(self) -> list[str]:
        """What is run, as the checkpoint's auto_map names it."""
        return [name for name in (self.model, self.tokenizer) if name is not None]


def code_files(listing: Listing, references: Sequence[str]) -> tuple[CodeFile, ...]:
    """Find the files that classes are defined in, and those that these import from beside them.

    Args:
        listing: The checkpoint's place.
        references: Each "module.Class", as an auto_map names it.

    Returns:
        The files, by name.

    Raises:
        UnsafeCheckpointError: A reference leads to another repository or to no file here, or the
            files are too many or too large.
        HubmaxactError: A file cannot be read.
    """
    found: dict[str, CodeFile] = {}
    wanted = [_module(listing, reference) for reference in references]
    while wanted:
        path = wanted.pop()
        if path in found:
            continue
        if len(found) == MOST_FILES:
            raise UnsafeCheckpointError(
                f"the code of {listing.name} has more than {MOST_FILES} files, and that many are "
                "run at most."
            )
        content = _read(listing, path)
        found[path] = CodeFile(path, len(content), hashlib.sha256(content).hexdigest())
        wanted += [_beside(listing, path, name) for name in _imported(listing, path, content)]
    return tuple(found[path] for path in sorted(found))


def _module(listing: Listing, reference: str) -> str:
    shown = printable(ascii(reference)[1:-1])
    if "--" in reference:
        raise UnsafeCheckpointError(
            f"the auto_map of {listing.name} asks for code of another repository ({shown}), and "
            "only code that lies beside the weights, at the same commit, is run. Measure a "
            "repository that holds both."
        )
    if not REFERENCE.fullmatch(reference):
        raise UnsafeCheckpointError(
            f"the auto_map of {listing.name} names {shown}, where a file and a class belong, as in "
            "modeling_x.XForCausalLM. Compare it with the released one."
        )
    return f"{reference.partition('.')[0]}.py"


def _beside(listing: Listing, importer: str, name: str) -> str:
    if not PLAIN.fullmatch(name):
        raise UnsafeCheckpointError(
            f"{importer} of {listing.name} imports .{printable(ascii(name)[1:-1])}, and only files "
            "beside it are run."
        )
    return f"{name}.py"


def _read(listing: Listing, path: str) -> bytes:
    if path not in listing.root:
        refusal = UnsafeCheckpointError(
            f"{listing.name} has no {path}, which its own code needs. Choose a commit that has it."
        )
        raise listing.lacking(path, refusal)
    if listing.size(path) > MOST_BYTES:
        raise UnsafeCheckpointError(
            f"{path} of {listing.name} is larger than {MOST_BYTES:,} bytes, and so large code is "
            "not run."
        )
    return listing.read(path)


def _imported(listing: Listing, path: str, content: bytes) -> Iterator[str]:
    """Names behind the dot of relative imports, wherever they stand."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnsafeCheckpointError(f"{path} of {listing.name} is not UTF-8.") from error
    for line in text.split("\n"):
        if match := RELATIVE.match(line):
            yield match[1] or match[2]
