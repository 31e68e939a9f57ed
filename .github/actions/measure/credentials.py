"""How a command signs in to the Hub: with the token given, else as a Trusted Publisher.

A token that was given is meant: a job of a reusable workflow has an identity whether its caller
wants to use it or not. huggingface_hub exchanges the identity itself once it knows for which
repository. Whichever way is taken, a refusal stays an error and nothing is tried after it.
"""

import os
import re

import runner

IDENTITY = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")


def find(repo: str) -> dict[str, str]:
    """Return the environment variables that sign in for `repo`; empty when there is no way."""
    if token := _token():
        return {"HF_TOKEN": token}
    has_identity = all(os.environ.get(name) for name in IDENTITY)
    return {"HF_OIDC_RESOURCE": repo} if has_identity else {}


def demand(repo: str) -> dict[str, str]:
    """Return the same, and stop the step when there is no way."""
    found = find(repo)
    if not found:
        runner.fail(
            f"there is no way to sign in to the Hub. Give the job `permissions: id-token: write` "
            f"and add it as a Trusted Publisher in the settings of {repo}, or set hf-token."
        )
    return found


def _token() -> str:
    token = os.environ.get("INPUT_HF_TOKEN", "").strip()
    if token:
        runner.mask(token)
    if not re.fullmatch(r"[!-~]{0,4096}", token):
        runner.fail("the input hf-token holds spaces or other characters that no token has.")
    return token
