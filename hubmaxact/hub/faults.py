"""What a failed Hub call means: one kind per situation, one sentence per kind.

Knows exceptions and status codes; knows nothing of what the call was for, so the caller says
whether to try again.
"""

import errno
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto

from huggingface_hub import constants
from huggingface_hub.errors import (
    BadRequestError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    OIDCError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import httpx

from hubmaxact.hub import endpoint, proxies
from hubmaxact.hub.asked_wait import asked_wait, in_words
from hubmaxact.hub.safe_words import clean, ended, token
from hubmaxact.hub.session import BrokenLineError
from hubmaxact.printable import LONGEST_PATH, printable

DISK = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
}
"""What only a disk says; what names a file, like "not a directory", is of a disk too."""

STAND_INS = (LocalEntryNotFoundError, BrokenLineError)
UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"


class Kind(Enum):
    """The situations that a user, or a retry, must tell apart."""

    NO_TOKEN = auto()
    BAD_TOKEN = auto()
    UNAUTHORIZED = auto()
    FORBIDDEN = auto()
    NO_REPOSITORY = auto()
    NO_REVISION = auto()
    GATED = auto()
    LOCKED = auto()
    MOVED = auto()
    MERGED = auto()
    RATE_LIMITED = auto()
    BAD_CARD = auto()
    REFUSED = auto()
    OFFLINE = auto()
    DISK = auto()
    UNCERTAIN = auto()
    NOT_SENT = auto()
    PROXY = auto()
    CERTIFICATE = auto()


BY_STATUS = {
    401: Kind.UNAUTHORIZED,
    403: Kind.FORBIDDEN,
    404: Kind.NO_REPOSITORY,
    407: Kind.PROXY,
    408: Kind.UNCERTAIN,
    409: Kind.LOCKED,
    412: Kind.MOVED,
    429: Kind.RATE_LIMITED,
}
BY_CLASS: tuple[tuple[type[BaseException], Kind], ...] = (
    (GatedRepoError, Kind.GATED),
    (RevisionNotFoundError, Kind.NO_REVISION),
    (OfflineModeIsEnabled, Kind.OFFLINE),
    (OIDCError, Kind.UNAUTHORIZED),
)
BROKEN: tuple[tuple[type[BaseException], str], ...] = (
    (httpx.TimeoutException, "no answer in time."),
    (httpx.TransportError, "the connection failed."),
    (httpx.InvalidURL, "its address is no URL."),
    (OSError, "the connection failed."),
    (BaseException, "the answer cannot be read."),
)
SENTENCES: dict[Kind, str] = {
    Kind.NO_TOKEN: "{repo} is not on the Hub, or not for everybody to see (401), and no token was "
    "found. Check the name; else run `hf auth login` or set HF_TOKEN.",
    Kind.BAD_TOKEN: "the token in use holds characters that no token of the Hub has. Run "
    "`hf auth login` or set HF_TOKEN anew.",
    Kind.UNAUTHORIZED: "the Hub does not accept the token for {repo} (401). Run `hf auth login` or "
    "set HF_TOKEN to a valid token. {detail}",
    Kind.FORBIDDEN: "the token may not read {repo} (403). Use one with read access to it. {detail}",
    Kind.NO_REPOSITORY: "{repo} is not on the Hub, or this token may not see it (404). Check the "
    "name and the token; repositories are never created here.",
    Kind.NO_REVISION: "{repo} has no revision {revision} (404). Name a branch, a tag, or a "
    "commit by all of its 40 digits.",
    Kind.GATED: "{repo} is gated. Accept its terms at {url} with the account of your token.",
    Kind.LOCKED: "another commit to {repo} is in progress and does not end (409). Try again later.",
    Kind.MOVED: "the branch {revision} of {repo} moved each time before the commit arrived (412). "
    "Try again when nobody else is committing.",
    Kind.MERGED: "the pull request to {repo} was merged each time before the commit arrived. Look "
    "at {url}/discussions before trying again.",
    Kind.RATE_LIMITED: "the Hub's rate limit is used up (429). Try again in {wait}.",
    Kind.BAD_CARD: "the Hub refuses the YAML at the top of the README of {repo}: {detail} "
    "Correct it there.",
    Kind.REFUSED: "the Hub refused the request for {repo} {detail}. Look at {url}, and for a newer "
    "hubmaxact.",
    Kind.OFFLINE: "offline mode is on. Unset HF_HUB_OFFLINE to reach the Hub.",
    Kind.DISK: "a download of {repo} cannot be stored: {detail} Free some space, or "
    "set HF_HUB_CACHE to another folder.",
    Kind.PROXY: "the Hub at {url} cannot be reached through the proxy that {detail} names. Correct "
    "that proxy, unset it, or put the Hub's host into NO_PROXY.",
    Kind.CERTIFICATE: "the Hub at {url} shows a certificate that is not trusted here. Set "
    "SSL_CERT_FILE to the certificates of your network.",
    Kind.UNCERTAIN: "the Hub at {url} gives no usable answer: {detail} Try again later.",
}
ELSEWHERE = {Kind.NO_REPOSITORY, Kind.NO_TOKEN}
"""What a Hub seems to say that is asked at another path than its own."""

MAY_BE_A_PROXYS = {
    Kind.FORBIDDEN,
    Kind.NO_REPOSITORY,
    Kind.REFUSED,
    Kind.UNCERTAIN,
    Kind.NOT_SENT,
}
"""What a proxy in between may have said or done as well."""

SENTENCES[Kind.NOT_SENT] = SENTENCES[Kind.UNCERTAIN]
"""As a reader is told; who writes has other advice for some."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One failed call: its kind, the server's words made safe, and the seconds it asks to wait.

    `proxy` is the variable that led the call through a proxy which may be behind the failure.
    """

    kind: Kind
    detail: str
    wait: int | None = None
    proxy: str | None = None

    def sentence(
        self,
        *,
        repo: str,
        revision: str,
        url: str,
        sentences: Mapping[Kind, str] = SENTENCES,
    ) -> str:
        """What happened and what to do, in one line."""
        # 0 was asked for, and was not enough.
        wait = in_words(self.wait) if self.wait else "a few hundred seconds"
        sentence = (
            sentences[self.kind]
            .format(repo=repo, revision=clean(revision), url=url, detail=self.detail, wait=wait)
            .strip()
        )
        if self.kind in ELSEWHERE and (path := endpoint.path_of()):
            sentence += f" HF_ENDPOINT has the path {clean(path)}; is that right?"
        if self.kind in MAY_BE_A_PROXYS and self.proxy:
            sentence += f" It was asked through the proxy that {self.proxy} names; look there too."
        return sentence


def classify(error: Exception) -> Fault:
    """Tell what kind of failure an error of a huggingface_hub call is."""
    error = _first(error)
    if isinstance(error, HfHubHTTPError) and error.response is not None:
        return _by_response(error)
    for raised, kind in BY_CLASS:
        if isinstance(error, raised):
            return Fault(kind, clean(str(error)))
    if isinstance(error.__cause__, BadRequestError):  # the client's own check of the README
        return Fault(Kind.BAD_CARD, ended(clean(str(error).partition("\n")[2])))
    return _here(error) or _on_the_way(error)


def _here(error: Exception) -> Fault | None:
    """What is wrong on this machine."""
    if isinstance(error, UnicodeEncodeError) and error.encoding == "ascii":  # of the headers
        return Fault(Kind.BAD_TOKEN, "")
    if isinstance(error, OSError) and (error.errno in DISK or error.filename):
        where = f" ({printable(str(error.filename), LONGEST_PATH)})" if error.filename else ""
        return Fault(Kind.DISK, f"{error.strerror}{where}.")
    return None


def _on_the_way(error: Exception) -> Fault:
    """What became of the question, or of the answer."""
    if isinstance(error, httpx.ConnectError) and UNTRUSTED in str(error):
        return Fault(Kind.CERTIFICATE, "")
    connecting = (httpx.ProxyError, httpx.ConnectError, httpx.ConnectTimeout)
    variable = proxies.variable_for(_asked(error))
    if variable and isinstance(error, connecting):
        return Fault(Kind.PROXY, variable)
    broken = next(words for raised, words in BROKEN if isinstance(error, raised))
    return Fault(Kind.UNCERTAIN, broken, proxy=variable)


def _asked(about: Exception | httpx.Response) -> httpx.URL:
    """Where a question went, or would have gone."""
    if isinstance(about, httpx.HTTPError | httpx.Response):
        with suppress(RuntimeError):  # it does not say
            return about.request.url
    try:
        return httpx.URL(constants.ENDPOINT)
    except httpx.InvalidURL:
        return httpx.URL()


def cause(error: Exception) -> Exception | None:
    """The error to chain for a traceback; None if the server put our token into its words."""
    secret, error = token(), _first(error)
    return None if secret and secret in str(error) else error


def _first(error: Exception) -> Exception:
    """What went wrong before the client looked into its cache instead, or was told so by ours."""
    while isinstance(error, STAND_INS) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    return error


def _by_response(error: HfHubHTTPError) -> Fault:
    status = error.response.status_code
    detail = ended(clean(error.server_message or ""))
    kind = next((kind for raised, kind in BY_CLASS if isinstance(error, raised)), None)
    kind = kind or BY_STATUS.get(status) or _by_hundred(status)
    if isinstance(error, RepositoryNotFoundError) and kind is Kind.UNAUTHORIZED:
        kind = Kind.NO_REPOSITORY  # the Hub hides private repositories behind a 401
    if status == 401 and kind in {Kind.UNAUTHORIZED, Kind.NO_REPOSITORY} and not token():
        kind = Kind.NO_TOKEN
    url = _asked(error.response)
    # Behind https nobody but the Hub can have answered.
    proxy = proxies.variable_for(url) if url.scheme == "http" else None
    if kind is Kind.PROXY:
        detail = proxy or proxies.SETTINGS
    if kind is Kind.UNCERTAIN:
        detail = f"status {status}. {detail}".strip()
    if kind is Kind.REFUSED:
        detail = f"({status}): {detail or 'no reason given'}".removesuffix(".")
    return Fault(kind, detail, asked_wait(error.response.headers), proxy)


def _by_hundred(status: int) -> Kind:
    return Kind.REFUSED if 400 <= status < 500 else Kind.UNCERTAIN
