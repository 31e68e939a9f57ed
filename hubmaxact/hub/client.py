"""One configured Hub client: who we are, over the session that waits no longer than it should."""

import logging
from functools import cache
from typing import Literal

from huggingface_hub import HfApi, constants
from huggingface_hub.errors import OIDCError
from huggingface_hub.utils import build_hf_headers, httpx

from hubmaxact import __version__
from hubmaxact.hub import session
from hubmaxact.hub.endpoint import without_login

LIBRARY = "hubmaxact"
RepoType = Literal["model", "dataset"]

# What a huggingface_hub call may raise: refusals, a broken line, and an answer that is not JSON or
# lacks its fields (the library indexes into it). Wrap only the call itself with this.
CALL_ERRORS = (
    httpx.HTTPError,
    httpx.InvalidURL,
    OIDCError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
)


@cache
def api() -> HfApi:
    """The client every call goes through. Reads HF_ENDPOINT and the token as `hf` does."""
    session.bound()
    # The library logs what the server says, unescaped; our messages carry it cleaned.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    return HfApi(library_name=LIBRARY, library_version=__version__)


def headers() -> dict[str, str]:
    """Headers for the few requests made without HfApi."""
    return build_hf_headers(library_name=LIBRARY, library_version=__version__)


def endpoint() -> str:
    """The URL of the Hub that every call goes to."""
    return constants.ENDPOINT


def repo_url(repo_id: str, repo_type: RepoType = "model") -> str:
    """The page of a repository, as it may be shown: without a password in the Hub's address."""
    folder = "datasets/" if repo_type == "dataset" else ""
    return f"{without_login(constants.ENDPOINT)}/{folder}{repo_id}"


def repo_name(repo_id: str, repo_type: RepoType = "model") -> str:
    """A repository as sentences call it: a model by its id, a data set as the data set it is."""
    return f"the data set {repo_id}" if repo_type == "dataset" else repo_id
