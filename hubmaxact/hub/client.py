"""One configured Hub client: who we are, and how long we wait.

huggingface_hub itself waits for ever (`timeout=None`); a push that hangs is worse than one that
fails, so the shared session gets time-outs before its first use.
"""

import logging
import os
from functools import cache

from huggingface_hub import HfApi, constants, set_client_factory
from huggingface_hub.utils import build_hf_headers, get_session, httpx

from hubmaxact import __version__

LIBRARY = "hubmaxact"
CONNECT_SECONDS = 10.0
# The Hub itself gives up on a commit after 60 s: waiting longer, we hear what became of it.
ANSWER_SECONDS = 75.0


@cache
def api() -> HfApi:
    """The client every call goes through. Reads HF_ENDPOINT and the token as `hf` does."""
    _limit_waiting()
    # The library logs what the server says, unescaped; our messages carry it cleaned.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    return HfApi(library_name=LIBRARY, library_version=__version__)


def headers() -> dict[str, str]:
    """Headers for the few requests made without HfApi."""
    return build_hf_headers(library_name=LIBRARY, library_version=__version__)


def repo_url(repo_id: str) -> str:
    """The page of a model repository."""
    return f"{constants.ENDPOINT}/{repo_id}"


def _limit_waiting() -> None:
    hooks = get_session().event_hooks  # offline mode and request ids are done in there
    seconds = float(os.environ.get("HUBMAXACT_HTTP_TIMEOUT", ANSWER_SECONDS))
    limits = httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))
    set_client_factory(
        lambda: httpx.Client(event_hooks=hooks, follow_redirects=True, timeout=limits)
    )
