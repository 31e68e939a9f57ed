"""How long to wait between tries, and the loop for calls that only read."""

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from hubmaxact.errors import HubError
from hubmaxact.hub import session
from hubmaxact.hub.asked_wait import MAX_ASKED_SECONDS
from hubmaxact.hub.client import CALL_ERRORS, RepoType, repo_name, repo_url
from hubmaxact.hub.faults import Fault, Kind, cause, classify
from hubmaxact.printable import counted

T = TypeVar("T")
LOG = logging.getLogger(__name__)  # warnings reach standard error without further ado
MAX_PAUSE_SECONDS = 20.0
READ_TRIES = 4
AGAIN = {Kind.UNCERTAIN, Kind.PROXY, Kind.RATE_LIMITED}
MAX_READING_SECONDS = 300.0
SILENCE_SECONDS = 5.0
"""Of a try that came to nothing: so long, whoever waits wonders."""


class NoAnswerError(HubError):
    """Raised when the Hub gives no usable answer, and may give one another time."""


def pause(tries: int, fault: Fault) -> None:
    """Sleep after try number `tries`: as long as the Hub asks, else twice as long each time."""
    if fault.wait is not None:
        is_limit = fault.kind is Kind.RATE_LIMITED
        why = "The Hub's rate limit is used up" if is_limit else "The Hub asks to try later"
        LOG.warning("%s; waiting %s.", why, counted(fault.wait + 1, "second"))
        time.sleep(fault.wait + 1)  # the Hub rounds down
        return
    base = session.seconds("HUBMAXACT_BACKOFF_SECONDS", 1.0)
    seconds = min(base * 2 ** (tries - 1), MAX_PAUSE_SECONDS)
    time.sleep(seconds * random.uniform(0.5, 1.0))  # noqa: S311 spreads retries, guards nothing


def is_worth_waiting(fault: Fault) -> bool:
    """Whether the Hub asks for a wait that a person would sit through."""
    return fault.wait is None or fault.wait <= MAX_ASKED_SECONDS


def ask(
    call: Callable[[], T],
    *,
    repo_id: str,
    revision: str = "main",
    repo_type: RepoType = "model",
) -> T:
    """Make a call that changes nothing about a repository, again when the Hub stumbles.

    Args:
        call: Talks to the Hub; made up to READ_TRIES times.
        repo_id: The repository that it is about, for the sentence of an error.
        revision: The revision of it, likewise.
        repo_type: Whether `repo_id` is a model or a data set.

    Returns:
        What the call returned.

    Raises:
        NoAnswerError: The Hub still gives no usable answer.
        HubError: It refused.
    """
    repo, url = repo_name(repo_id, repo_type), repo_url(repo_id, repo_type)
    return ask_for(call, lambda fault: fault.sentence(repo=repo, revision=revision, url=url))


def ask_for(call: Callable[[], T], sentence: Callable[[Fault], str]) -> T:
    """Make a call that changes nothing about whatever the sentences name.

    Args:
        call: Talks to the Hub; made up to READ_TRIES times.
        sentence: Tells what happened and what to do.

    Returns:
        What the call returned.

    Raises:
        NoAnswerError: The Hub still gives no usable answer.
        HubError: It refused.
    """
    session.bound()
    start = time.monotonic()
    for tries in range(1, READ_TRIES + 1):
        began = time.monotonic()
        try:
            with session.watched():
                return call()
        except CALL_ERRORS as error:
            fault = classify(error)
            again = fault.kind in AGAIN and is_worth_waiting(fault)
            is_late = time.monotonic() - start > MAX_READING_SECONDS
            if not again or is_late or tries == READ_TRIES:
                kind = NoAnswerError if fault.kind in AGAIN else HubError
                raise kind(sentence(fault)) from cause(error)
        _tell(time.monotonic() - began)
        pause(tries, fault)
    raise AssertionError("the last try returns or raises")


def _tell(silence: float) -> None:
    """Say why nothing seems to happen, where a try has taken so long that somebody wonders."""
    if silence >= SILENCE_SECONDS:
        said = counted(round(silence), "second")
        LOG.warning("The Hub gave no answer for %s; asking again.", said)
