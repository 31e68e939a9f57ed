"""One configured Hub client: who we are, over the session that waits no longer than it should."""

import logging
from functools import cache

from huggingface_hub import HfApi, constants
from huggingface_hub.utils import build_hf_headers

from hubmaxact import __version__
from hubmaxact.hub import session

LIBRARY = "hubmaxact"


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


def repo_url(repo_id: str) -> str:
    """The page of a model repository."""
    return f"{constants.ENDPOINT}/{repo_id}"
