"""Signing in as a CI job: its identity is exchanged for a token once, and a no is one sentence.

huggingface_hub does the exchange when HF_OIDC_RESOURCE is set. Knows nothing of what the token is
for.
"""

import os

from huggingface_hub import get_token
from huggingface_hub.errors import HfHubHTTPError, OIDCError

from hubmaxact.errors import HubError
from hubmaxact.hub.retry import ask
from hubmaxact.hub.safe_words import clean

REFUSED = range(400, 408)
ADVICE = (
    "Add this job as a Trusted Publisher in the settings of that repository (its claims must match "
    "exactly), or sign in with a token: HF_TOKEN without HF_OIDC_RESOURCE, hf-token of the action."
)


def is_ci_job() -> bool:
    """Whether the token is one that a CI job exchanges: good for one repository, nobody's own."""
    return bool(os.environ.get("HF_OIDC_RESOURCE"))


def sign_in(repo_id: str) -> None:
    """Exchange the identity of a CI job for a token now; without one there is nothing to do.

    Args:
        repo_id: Repository that the token is for, for the sentence of an error.

    Raises:
        HubError: The job has no identity, or the Hub does not trust it with `repo_id`.
    """
    if is_ci_job():
        ask(_exchange, repo_id=repo_id)


def _exchange() -> None:
    try:
        get_token()
    except OIDCError as error:
        raise HubError(f"this job cannot show who it is: {clean(str(error))}") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status not in REFUSED:
            raise
        resource = clean(os.environ["HF_OIDC_RESOURCE"])
        found = f"{status}: {clean(error.server_message or 'no reason given')}"
        raise HubError(
            f"no token for {resource} was given for this job's identity ({found}). {ADVICE}"
        ) from error
