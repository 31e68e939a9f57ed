"""Where an export of one file goes; what no export made is never replaced."""

from pathlib import Path

from hubmaxact.engine_files.request import MADE_BY
from hubmaxact.files import WriteError, read_regular
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.report.destination import check_destination, own_stream, write_content

STANDARD_OUTPUT = Path("/dev/stdout")
MOST_READ = 64 * 1024 * 1024
"""An earlier export is smaller; bytes."""


def write_file(path: Path, content: bytes) -> None:
    """Write an export, all or nothing.

    Args:
        path: A file, a pipe or a device; "-" is standard output.
        content: All of it.

    Raises:
        WriteError: It cannot be written, or something that no export made is there.
    """
    target = STANDARD_OUTPUT if str(path) == "-" else path
    check_destination(target)
    if _is_foreign(target):
        raise WriteError(
            f"{printable(str(path), LONGEST_PATH)} is there already, and no export made it. "
            "Move it away, or choose another name."
        )
    write_content(target, content)


def _is_foreign(path: Path) -> bool:
    if not path.is_file() or own_stream(path) is not None:
        return False
    try:
        held = read_regular(path, MOST_READ)
    except OSError:
        return True
    return bool(held) and MADE_BY.encode() not in held
