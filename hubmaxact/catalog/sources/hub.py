"""Reports from the Hub, a few repositories at a time.

A repository that cannot be read this time keeps its earlier row, and the next build asks again: a
refusal or a broken line is never held against a report.
"""

from collections.abc import Callable, Iterator, Sequence

from hubmaxact.catalog.outcome import Previous, SourceOutcome, unread
from hubmaxact.catalog.sources.hub_calls import NOT_ASKED, CircuitBreaker, each
from hubmaxact.catalog.sources.hub_listing import Listed
from hubmaxact.catalog.sources.hub_repository import read_repository
from hubmaxact.errors import HubError

Keep = Callable[[SourceOutcome], None]


def read_all(
    repos: Sequence[Listed], previous: Previous, breaker: CircuitBreaker, keep: Keep
) -> Iterator[SourceOutcome]:
    """Yield what is in each repository, in order.

    Args:
        repos: The repositories to read.
        previous: What an earlier build found; what has not changed is not asked for again.
        breaker: Open when the Hub has given up; then nothing more is asked.
        keep: Is given whatever was read, as soon as it was, by several threads.

    Yields:
        A row, or the reason why there is none.
    """
    yield from each(lambda repo: _read(repo, previous, breaker, keep), repos)


def _read(repo: Listed, previous: Previous, breaker: CircuitBreaker, keep: Keep) -> SourceOutcome:
    is_known = previous.same(repo.repo_id, commit=repo.commit) is not None
    if breaker.open and not is_known:
        return previous.keep(unread(repo.repo_id, NOT_ASKED))
    try:
        found = read_repository(repo, previous)
    except HubError as error:
        breaker.failed(error)
        return previous.keep(unread(repo.repo_id, error))
    if not is_known:
        breaker.succeeded()
        keep(found)
    return found
