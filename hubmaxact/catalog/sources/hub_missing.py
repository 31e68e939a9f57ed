"""Repositories that the catalog knows and the Hub's listing lacks: each is asked for by its name.

A listing that ends too early looks like one in which repositories are gone. One that the Hub says
is not there, or no longer public, or without the tag, goes; one that is there is read; of one that
cannot be asked for, the row stays.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from hubmaxact.catalog.outcome import Previous, SourceOutcome, unread
from hubmaxact.catalog.sources.hub_calls import NOT_ASKED, CircuitBreaker, each, is_gone
from hubmaxact.catalog.sources.hub_listing import FIELDS, Listed, listed
from hubmaxact.errors import HubError
from hubmaxact.hub.client import api
from hubmaxact.hub.repository import DamagedAnswerError
from hubmaxact.hub.retry import ask


@dataclass(frozen=True, slots=True)
class Missing:
    """What became of the repositories that the listing lacks."""

    there: Sequence[Listed]  # under their names of today
    unsure: Sequence[SourceOutcome]


def look_for(
    names: Sequence[str],
    tag: str,
    previous: Previous,
    breaker: CircuitBreaker,
    step: Callable[[], None],
) -> Missing:
    """Ask for each repository by its name.

    Args:
        names: Ids of repositories with a row.
        tag: Tag that they must have.
        previous: Has their rows.
        breaker: Open when the Hub has given up; then nothing more is asked.
        step: Called after each.

    Returns:
        Those that are there, and the earlier rows of those that cannot be asked for.
    """
    there, unsure = [], []
    for found in each(lambda name: _one(name, tag, previous, breaker), names):
        step()
        if isinstance(found, Listed):
            there.append(found)
        elif found is not None:
            unsure.append(found)
    return Missing(there, unsure)


def _one(
    name: str, tag: str, previous: Previous, breaker: CircuitBreaker
) -> Listed | SourceOutcome | None:
    if breaker.open:
        return previous.keep(unread(name, NOT_ASKED))
    try:
        found = _described(name, tag)
    except HubError as error:
        breaker.failed(error)
        return None if is_gone(error) else previous.keep(unread(name, error))
    breaker.succeeded()
    return found


def _described(name: str, tag: str) -> Listed | None:
    """The repository as the Hub has it now; None without the tag, or for its owner alone."""
    info = ask(lambda: api().model_info(name, expand=[*FIELDS, "tags"]), repo_id=name)
    if info.private is True or info.disabled is True:
        return None
    found, tags = listed(info), info.tags
    if found is None or not _are_tags(tags):
        raise DamagedAnswerError("what the Hub says of it arrived damaged. Try again later.")
    return found if tag in tags else None


def _are_tags(found: object) -> TypeGuard[list[str]]:
    """Whether this is a list of tags; the client library takes whatever the Hub sends."""
    return isinstance(found, list) and all(isinstance(tag, str) for tag in found)
