"""A few calls to the Hub at a time; when the Hub gives up, so do we, for now."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
)

from hubmaxact.errors import HubError
from hubmaxact.hub.client import CALL_ERRORS
from hubmaxact.hub.faults import Kind, classify
from hubmaxact.hub.repository import DamagedAnswerError

JOBS = 6
"""Requests at a time: enough to hide the Hub's latency, few enough to be polite."""

MOST_FAILURES = 20
"""Failures in a row after which the Hub is taken to be down."""

FOR_NOW = {
    Kind.RATE_LIMITED,
    Kind.UNCERTAIN,
    Kind.PROXY,
    Kind.CERTIFICATE,
    Kind.OFFLINE,
    Kind.UNAUTHORIZED,
}

GONE = (RepositoryNotFoundError, DisabledRepoError)
HUBS_WORDS = ("X-Error-Code", "X-Error-Message")
"""Headers in which the Hub says why it refuses."""

NOT_ASKED = "the Hub gave no more answers in this build"

Item = TypeVar("Item")
Found = TypeVar("Found")


class CircuitBreaker:
    """Counts failures that are the Hub's and not the repository's; open means ask no more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self.open = False

    def succeeded(self) -> None:
        """The Hub answered."""
        with self._lock:
            self._failures = 0

    def failed(self, error: HubError) -> None:
        """A call came to nothing; the rate limit is for all repositories alike."""
        kind = _kind(error)
        if not is_for_now(error):
            self.succeeded()
            return
        with self._lock:
            self._failures += 1
            if kind is Kind.RATE_LIMITED or self._failures >= MOST_FAILURES:
                self.open = True


def is_for_now(error: HubError) -> bool:
    """Whether a failure says something of the Hub at this hour, and nothing of a repository."""
    return _kind(error) in FOR_NOW or isinstance(error, DamagedAnswerError)


def is_gone(error: HubError) -> bool:
    """Whether the Hub itself says that there is no such repository for everybody to see."""
    cause = error.__cause__
    is_said = isinstance(cause, GONE) and not isinstance(cause, GatedRepoError)
    return is_said and is_the_hubs(error)


def is_the_hubs(error: HubError) -> bool:
    """Whether a refusal is the Hub's own, and not that of a proxy or a cache in between.

    The client library takes any 401 for a repository that is not there.
    """
    cause = error.__cause__
    if not isinstance(cause, HfHubHTTPError) or cause.response is None:
        return False
    return any(name in cause.response.headers for name in HUBS_WORDS)


def each(call: Callable[[Item], Found], items: Sequence[Item]) -> Iterator[Found]:
    """Yield what a call makes of each item, in order; whoever stops listening stops the calls."""
    with ThreadPoolExecutor(max_workers=JOBS) as pool:
        try:
            yield from pool.map(call, items)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _kind(error: HubError) -> Kind | None:
    cause = error.__cause__
    return classify(cause).kind if isinstance(cause, CALL_ERRORS) else None
