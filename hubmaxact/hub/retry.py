"""How long to wait between tries, and the loop for calls that only read."""

import logging
import random
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from huggingface_hub.utils import httpx

from hubmaxact.errors import HubError
from hubmaxact.hub import session
from hubmaxact.hub.asked_wait import MAX_ASKED_SECONDS
from hubmaxact.hub.client import RepoType, repo_name, repo_url
from hubmaxact.hub.faults import CALL_ERRORS, Fault, Kind, cause, classify
from hubmaxact.printable import counted

T = TypeVar("T")
LOG = logging.getLogger(__name__)  # warnings reach standard error without further ado
MAX_PAUSE_SECONDS = 20.0
READ_TRIES = 4
AGAIN = {Kind.UNCERTAIN, Kind.PROXY, Kind.RATE_LIMITED}
# After a broken line some calls of the client ask again by themselves, up to five times. What the
# Hub says in answer is not slept over there; see `session`.
MAX_READING_SECONDS = 300.0


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
    """Make a call that changes nothing, again when the Hub stumbles.

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
    session.bound()
    start, tried = time.monotonic(), 0
    for tries in range(1, READ_TRIES + 1):
        try:
            with session.watched() as sent:
                return call()
        except CALL_ERRORS as error:
            fault = classify(error)
            again = fault.kind in AGAIN and is_worth_waiting(fault)
            is_late = time.monotonic() - start > MAX_READING_SECONDS
            tried += _tries_of_the_client(sent)
            if not again or is_late or tried >= READ_TRIES:
                repo, url = repo_name(repo_id, repo_type), repo_url(repo_id, repo_type)
                sentence = fault.sentence(repo=repo, revision=revision, url=url)
                kind = NoAnswerError if fault.kind in AGAIN else HubError
                raise kind(sentence) from cause(error)
        pause(tries, fault)
    raise AssertionError("the last try returns or raises")


def _tries_of_the_client(sent: Sequence[httpx.Request]) -> int:
    """How often the last request of a call was made: a Hub that is away is not waited for twice."""
    made = [(request.method, request.url) for request in sent]
    return made.count(made[-1]) if made else 1
