"""What two processes tell each other through a pipe: lines of JSON, and bytes that follow one.

Whoever reads takes nothing for granted: the other side runs strangers' code.
"""

import json
from typing import IO, Any, NamedTuple

MOST_LINE = 1 << 26
"""Bytes of a line: more than any report, and than the plan of a million texts."""


class GarbledError(ValueError):
    """Raised when what arrives is no message."""


class Message(NamedTuple):
    """One message.

    Attributes:
        kind: What it is about.
        values: As JSON holds them; may be anything.
        content: Bytes behind it.
    """

    kind: str
    values: list[Any]
    content: bytes = b""


def write(stream: IO[bytes], kind: str, *values: Any, content: bytes = b"") -> None:
    """Write a message at once.

    Args:
        stream: Where to.
        kind: What it is about.
        *values: What JSON can hold.
        content: Bytes that go behind it.
    """
    line = json.dumps([kind, len(content), *values])
    stream.write(line.encode("ascii") + b"\n" + content)
    stream.flush()


def read(stream: IO[bytes], most: int = 0) -> Message | None:
    """Read a message.

    Args:
        stream: Where from.
        most: Bytes that may follow its line.

    Returns:
        The message. None: the other side has ended.

    Raises:
        GarbledError: It is too long, cut off, or no message.
    """
    line = stream.readline(MOST_LINE)
    if not line:
        return None
    try:
        kind, size, *values = json.loads(line)
    except (ValueError, TypeError, RecursionError) as error:
        raise GarbledError("no line of JSON") from error
    if not isinstance(kind, str) or type(size) is not int or not 0 <= size <= most:
        raise GarbledError("a line of JSON that is no message")
    content = stream.read(size)
    if len(content) < size:
        raise GarbledError("a message that is cut off")
    return Message(kind, values, content)
