"""How long a server asks to wait, from the headers of its answer."""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from hubmaxact.printable import counted

MAX_ASKED_SECONDS = 300  # one whole rate-limit window; longer is for the user to decide
PARAMETER = re.compile(r";\s*([a-z]+)\s*=\s*(\d{1,15})\s*(?=;|$)")
UNITS = (("day", 86_400), ("hour", 3_600))
SECONDS = re.compile(r"\d{1,15}(?:\.\d{1,9})?")


def asked_wait(headers: Mapping[str, str]) -> int | None:
    """Return the seconds that a server asks to wait; None if it does not say.

    `RateLimit` stands on every answer of the Hub; it is a reason to wait only when nothing remains
    of some limit. `Retry-After` is a number of seconds or a date.
    """
    asked = [*_until_reset(headers.get("RateLimit", "")), *_retry_after(headers)]
    return max(asked, default=None)


def in_words(seconds: int) -> str:
    """A wait as people count it: below an hour in seconds, as the Hub does, else in more."""
    for noun, size in UNITS:
        if seconds >= size:
            return counted(math.ceil(seconds / size), noun)
    return counted(seconds, "second")


def _until_reset(rate_limit: str) -> Iterator[int]:
    for limit in rate_limit.split(","):
        said = {name: int(value) for name, value in PARAMETER.findall(limit)}
        if said.get("r") == 0 and "t" in said:
            yield said["t"]


def _retry_after(headers: Mapping[str, str]) -> Iterator[int]:
    said = headers.get("Retry-After", "").strip()
    if SECONDS.fullmatch(said):
        yield math.ceil(float(said))
    elif (then := _instant(said)) is not None:
        # By the server's own clock where it tells it: ours may be wrong.
        now = _instant(headers.get("Date", "")) or datetime.now(UTC)
        yield max(0, math.ceil((then - now).total_seconds()))


def _instant(said: str) -> datetime | None:
    """The moment that an HTTP date names."""
    try:
        found = parsedate_to_datetime(said)
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
