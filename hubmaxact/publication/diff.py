"""One file's change as a unified diff, byte for byte; `git apply` accepts it."""

import difflib
import re
from collections.abc import Iterator

LINE = re.compile(rb"[^\n]*\n|[^\n]+")  # as git sees lines: only a line feed ends one
NO_NEWLINE = b"\\ No newline at end of file\n"


def file_diff(path: str, old: bytes | None, new: bytes) -> bytes:
    """Return the diff from `old` (None: there is no such file) to `new`; empty when equal."""
    if old == new:
        return b""
    name = path.encode()
    header = b"diff --git a/%s b/%s\n" % (name, name)
    if old is None:
        header += b"new file mode 100644\n"
    before = b"/dev/null" if old is None else b"a/" + name
    lines = difflib.diff_bytes(
        difflib.unified_diff,
        LINE.findall(old or b""),
        LINE.findall(new),
        fromfile=before,
        tofile=b"b/" + name,
    )
    return header + b"".join(_terminated(lines))


def _terminated(lines: Iterator[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield line if line.endswith(b"\n") else line + b"\n" + NO_NEWLINE
