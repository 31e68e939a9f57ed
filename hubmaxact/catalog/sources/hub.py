"""Reports from the Hub, a few repositories at a time; when the Hub gives up, so do we, for now.

A repository that cannot be read this time keeps its earlier row, and the next build asks again.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from hubmaxact.catalog.outcome import Previous, SourceOutcome, left_out
from hubmaxact.catalog.sources.hub_listing import Listed
from hubmaxact.catalog.sources.hub_repository import DamagedAnswerError, read_repository
from hubmaxact.errors import HubError
from hubmaxact.hub.faults import CALL_ERRORS, Kind, classify

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
NOT_ASKED = "not read: the Hub gave no more answers in this build"


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

    def failed(self, kind: Kind | None) -> None:
        """The Hub did not; its rate limit is for all repositories alike."""
        with self._lock:
            self._failures += 1
            if kind is Kind.RATE_LIMITED or self._failures >= MOST_FAILURES:
                self.open = True


def read_all(
    repos: Sequence[Listed], previous: Previous, done: Callable[[], None]
) -> Iterator[SourceOutcome]:
    """Yield what is in each repository, in order; `done` is called after each."""
    breaker = CircuitBreaker()
    with ThreadPoolExecutor(max_workers=JOBS) as pool:
        try:
            for found in pool.map(lambda repo: _read(repo, previous, breaker), repos):
                done()
                yield found
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _read(repo: Listed, previous: Previous, breaker: CircuitBreaker) -> SourceOutcome:
    unchanged = previous.same(repo.repo_id, commit=repo.commit) is not None
    if breaker.open and not unchanged:
        return previous.keep(left_out(repo.repo_id, NOT_ASKED))
    try:
        found = read_repository(repo, previous)
    except HubError as error:
        return _failed(repo, error, previous, breaker)
    if not unchanged:
        breaker.succeeded()
    return found


def _failed(
    repo: Listed, error: HubError, previous: Previous, breaker: CircuitBreaker
) -> SourceOutcome:
    failed = left_out(repo.repo_id, error)
    cause = error.__cause__
    kind = classify(cause).kind if isinstance(cause, CALL_ERRORS) else None
    if kind in FOR_NOW or isinstance(error, DamagedAnswerError):
        breaker.failed(kind)
        return previous.keep(failed)
    breaker.succeeded()
    return failed
