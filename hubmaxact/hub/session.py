"""The session of every request to the Hub: each wait is bounded, and the token stays at home.

huggingface_hub waits for ever, on some calls against any default (it passes `timeout=None`), and it
follows a listing to whatever host the answer names, token and all. Both are put right in a hook
that sees each request last, redirects included. It also sleeps without a word for as long as an
answer asks, five times over, and after each broken line; whoever watches hears of both at once.
"""

import logging
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from huggingface_hub import constants, set_client_factory
from huggingface_hub.utils import get_session, hf_raise_for_status, httpx

from hubmaxact.errors import HubError
from hubmaxact.hub import endpoint, proxies
from hubmaxact.hub.asked_wait import MAX_ASKED_SECONDS, asked_wait

LOG = logging.getLogger(__name__)  # warnings reach standard error without further ado
CONNECT_SECONDS = 10.0
# The Hub itself gives up on a commit after 60 s: waiting longer, we hear what became of it.
ANSWER_SECONDS = 75.0
# Where a CI job gets its identity from, with a token that is not the Hub's.
CI_IDENTITY = "ACTIONS_ID_TOKEN_REQUEST_URL"

MOST_REQUESTS = 1000
"""For one question; no listing has as many pages."""

SLEPT_OVER = {408, 429, 500, 502, 503, 504}
"""Answers after which huggingface_hub sleeps and asks again."""

ASKED_AGAIN = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError)
"""Broken lines after which huggingface_hub sleeps and asks again."""

_SENT: ContextVar[list[httpx.Request] | None] = ContextVar("sent", default=None)


class BrokenLineError(httpx.TransportError):
    """Raised in place of its cause, which huggingface_hub would take for a reason to ask again."""


class _Client(httpx.Client):
    """Tells whoever watches at once that a line broke: tries of theirs and ours would multiply."""

    def send(self, request: httpx.Request, *, stream: bool = False, **how: Any) -> httpx.Response:
        try:
            return super().send(request, stream=stream, **how)
        except ASKED_AGAIN as error:
            # What comes in a stream may be large: the library goes on where it broke off.
            if stream or _SENT.get() is None:
                raise
            raise BrokenLineError(str(error), request=request) from error


@cache
def bound() -> None:
    """Put the limits on the session that huggingface_hub shares between all its calls.

    Raises:
        HubError: What the environment says of the Hub's address, time-outs, proxies or certificates
            cannot be used.
    """
    endpoint.check()
    if variable := proxies.unusable():
        raise HubError(
            f"no connection can be set up: {variable} names no usable proxy. Write it as "
            "http://HOST:PORT, or unset it."
        )
    limits = waiting()
    try:
        hooks = get_session().event_hooks  # offline mode and request ids are done in there
    except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:
        # Not its words: the address of a proxy may hold a password.
        raise HubError(
            f"no connection can be set up ({type(error).__name__}). Check HTTP_PROXY, HTTPS_PROXY, "
            "ALL_PROXY and SSL_CERT_FILE."
        ) from None

    def last(request: httpx.Request) -> None:
        _limit(request, limits)
        _keep_token_home(request)
        _count(request)

    ours = {
        **hooks,
        "request": [*hooks["request"], last],
        "response": [_refuse_to_sleep, *hooks.get("response", ())],
    }
    set_client_factory(lambda: _Client(event_hooks=ours, follow_redirects=True, timeout=limits))


def waiting() -> httpx.Timeout:
    """How long to wait for a connection, and for each piece of an answer."""
    limit = seconds("HUBMAXACT_HTTP_TIMEOUT", ANSWER_SECONDS)
    return httpx.Timeout(limit, connect=min(limit, CONNECT_SECONDS))


def seconds(variable: str, default: float) -> float:
    """A number of seconds from the environment.

    Args:
        variable: Name of the environment variable.
        default: Seconds where it is not set.

    Returns:
        Seconds, above 0 and finite.

    Raises:
        HubError: What stands there is no such number.
    """
    said = os.environ.get(variable, str(default))
    try:
        number = float(said)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise HubError(f"{variable} must be a number of seconds above 0, found {said[:40]!a}.")
    return number


@contextmanager
def watched() -> Iterator[list[httpx.Request]]:
    """Yield a list of the requests that this thread sends meanwhile, answered or not.

    Whoever watches tries again by itself: a broken line, or an answer that asks for patience, is
    raised at once.

    Yields:
        The list, empty at first; it grows with each request.

    Raises:
        HubError: There is no end of them.
    """
    sent: list[httpx.Request] = []
    token = _SENT.set(sent)
    try:
        yield sent
    finally:
        _SENT.reset(token)
        if (outer := _SENT.get()) is not None:
            outer.extend(sent)


def _count(request: httpx.Request) -> None:
    if (sent := _SENT.get()) is None:
        return
    if len(sent) >= MOST_REQUESTS:
        raise HubError(
            f"an answer of {request.url.host} goes on after {MOST_REQUESTS:,} pages and was given "
            "up. Try again later."
        )
    sent.append(request)


def _refuse_to_sleep(response: httpx.Response) -> None:
    """Raise the error that the library would end with, where it would sleep too long or unwatched.

    Its own threads are not watched: there a wait that a person would sit through stays its own.
    """
    if response.status_code not in SLEPT_OVER:
        return
    wait = asked_wait(response.headers) or 0
    if _SENT.get() is not None or wait > MAX_ASKED_SECONDS:
        response.read()
        hf_raise_for_status(response)
    elif wait:
        LOG.warning("The Hub asks to wait for %d seconds.", wait + 1)


def _limit(request: httpx.Request, limits: httpx.Timeout) -> None:
    """Fill in what the call left open; a limit of its own stays."""
    asked = request.extensions.get("timeout", {})
    filled = {name: limit for name, limit in asked.items() if limit is not None}
    request.extensions = {**request.extensions, "timeout": {**limits.as_dict(), **filled}}


def _keep_token_home(request: httpx.Request) -> None:
    homes = [constants.ENDPOINT, os.environ.get(CI_IDENTITY)]
    if not any(_is_at(request.url, httpx.URL(home)) for home in homes if home):
        request.headers.pop("Authorization", None)


def _is_at(url: httpx.URL, home: httpx.URL) -> bool:
    """Whether a URL is at home: same host and port; http may have become https, never less."""
    return (url.host, url.port) == (home.host, home.port) and url.scheme in {home.scheme, "https"}
