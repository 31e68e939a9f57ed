"""How a command signs in to the Hub: as a Trusted Publisher, else with the token given.

huggingface_hub exchanges the job's identity itself once it knows for which repository. Where it
can, a token is not looked at: a refused exchange stays an error and nothing is tried after it.
"""

import os
import re

import runner

IDENTITY = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")


def find(repo: str) -> dict[str, str]:
    """Return the environment variables that sign in for `repo`; empty when there is no way."""
    token = _token()
    if all(os.environ.get(name) for name in IDENTITY):
        return {"HF_OIDC_RESOURCE": repo}
    return {"HF_TOKEN": token} if token else {}


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
