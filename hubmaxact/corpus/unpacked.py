"""A file's bytes as a stream, unpacked on the way where they are gzip.

What a file is stands in its first bytes, not in its name: servers unpack on the way, and people
rename. Knows nothing of what is in it.
"""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from hubmaxact.errors import CorpusError
from hubmaxact.files import MOST_POINTER_BYTES, is_lfs_pointer, open_regular

GZIP = b"\x1f\x8b"
ELSEWHERE = {
    b"\x28\xb5\x2f\xfd": ("zstd", "unzstd"),
    b"BZh": ("bzip2", "bunzip2"),
    b"\xfd7zXZ\x00": ("xz", "unxz"),
    b"PK\x03\x04": ("zip", "unzip"),
}
"""How other packed files begin: what they are, and the program that unpacks them."""


@contextmanager
def opened(path: Path, name: str) -> Iterator[BinaryIO]:
    """Open a file for reading, through gzip where it is that.

    Args:
        path: The file, whoever made it.
        name: What messages call it.

    Yields:
        What is in it, as a stream that never goes back.

    Raises:
        CorpusError: It cannot be read, is packed in another way, is damaged, or is a Git LFS
            pointer.
    """
    try:
        # A pipe could be read only once, and a report is verified on the same texts.
        with open_regular(path) as file:
            start = file.peek(MOST_POINTER_BYTES + 1)
            _refuse_other(start, name)
            yield cast("BinaryIO", gzip.GzipFile(fileobj=file)) if start[:2] == GZIP else file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CorpusError(
            f"{name} is a gzip file that is cut off or damaged; fetch it again."
        ) from error
    except OSError as error:
        raise CorpusError(
            f"cannot read the corpus {path}: {error.strerror}. Name a JSONL file."
        ) from error


def _refuse_other(start: bytes, name: str) -> None:
    if is_lfs_pointer(start):
        raise CorpusError(
            f"{name} is a Git LFS pointer, a few lines of text in the place of the corpus. Run "
            "`git lfs pull` where it lies, or fetch the file itself."
        )
    for magic, (kind, program) in ELSEWHERE.items():
        if start.startswith(magic):
            raise CorpusError(
                f"{name} is compressed with {kind}, which is not read here; unpack it with "
                f"{program}, or compress it with gzip."
            )
