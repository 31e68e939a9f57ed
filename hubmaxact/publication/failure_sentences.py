"""What a failed push is called: in passing while it is tried again, and in one sentence at the end.

Knows the kinds of faults and the options of a push; knows nothing of when to try again.
"""

from collections import Counter

from hubmaxact.hub import faults
from hubmaxact.hub.client import repo_url
from hubmaxact.hub.faults import Fault, Kind
from hubmaxact.hub.safe_words import clean
from hubmaxact.publication.plan import WAYS_OUT, Push

BRIEFLY = {
    Kind.LOCKED: "another commit is in progress (409)",
    Kind.NO_REVISION: "{repo} has no branch {revision} (404). Name an existing branch.",
    Kind.MOVED: "the branch moved meanwhile (412)",
    Kind.MERGED: "the pull request was merged meanwhile",
    Kind.RATE_LIMITED: "the rate limit is used up (429)",
    Kind.UNCERTAIN: "no usable answer to the commit",
    Kind.NOT_SENT: "no usable answer before the commit",
    Kind.PROXY: "the proxy cannot be reached or refuses",
}
SENTENCES = {
    **faults.SENTENCES,
    Kind.NO_TOKEN: "the Hub asks who you are (401), and no token was found. Run `hf auth login` or "
    "set HF_TOKEN.",
    Kind.FORBIDDEN: "the token may not do this to {repo} (403). Use a token with write access; a "
    "pull request (--pr) needs none to the repository itself. {detail}",
    Kind.NO_REVISION: "{repo} has no branch {revision} (404). Name an existing branch.",
    Kind.MOVED: "the branch {revision} of {repo} moved each time before the commit arrived (412). "
    "Try again when nobody else is committing, or use --pr.",
    Kind.BAD_CARD: f"{faults.SENTENCES[Kind.BAD_CARD]} {WAYS_OUT}",
}


def sentence(push: Push, fault: Fault) -> str:
    """Why a push is over, where the fault says all."""
    url = repo_url(push.repo_id)
    return fault.sentence(repo=push.repo_id, revision=push.branch, url=url, sentences=SENTENCES)


def unknown(push: Push, fault: Fault) -> str:
    """Why a push is over, where the commit may have arrived all the same."""
    url = repo_url(push.repo_id)
    return (
        f"it is not known whether the commit to {push.repo_id} arrived: {fault.detail} "
        f"Look at {url}/commits/{clean(push.branch)} and {url}/discussions before trying again."
    )


def last_words(push: Push, fault: Fault, failures: Counter[Kind]) -> str:
    """Why a push is over after so many failures of each kind, `fault` the last of them."""
    is_unknown = fault.kind in {Kind.UNCERTAIN, Kind.NOT_SENT} and failures[Kind.UNCERTAIN] > 0
    return unknown(push, fault) if is_unknown else sentence(push, fault)
