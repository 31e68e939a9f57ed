"""One commit for everything that a plan changes, tried again only when that is known to be safe.

A commit is never repeated blindly. After any failure the repository is read again and the plan
made anew: if nothing is left to change, the commit had arrived. On a branch the parent commit
guards against a second one; a new pull request has no such guard, so ours are looked for first.
"""

import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from huggingface_hub import CommitInfo, CommitOperationAdd
from huggingface_hub.utils import httpx

from hubmaxact.errors import HubError
from hubmaxact.hub import repository, retry, session
from hubmaxact.hub.client import CALL_ERRORS, api
from hubmaxact.hub.faults import Fault, Kind, cause, classify
from hubmaxact.publication import pull_request
from hubmaxact.publication.failure_sentences import BRIEFLY, last_words, sentence, unknown
from hubmaxact.publication.outcome import Outcome, commit_url, unchanged
from hubmaxact.publication.plan import Plan, Push, prepare
from hubmaxact.publication.pull_request import PullRequest

# How often each failure is answered with another try; what is not here is final.
TRIES = {
    Kind.LOCKED: 7,
    Kind.MOVED: 4,
    Kind.MERGED: 4,
    Kind.RATE_LIMITED: 3,
    Kind.UNCERTAIN: 4,
    Kind.NOT_SENT: 4,
    Kind.PROXY: 4,
}
# A commit of ours may be there all the same; one in a merged pull request may have come with it.
MAY_HAVE_ARRIVED = (Kind.UNCERTAIN, Kind.MERGED)
Tell = Callable[[str], None]


def publish(push: Push, tell: Tell) -> Outcome:
    """Bring the repository to what `push` says.

    Args:
        push: What is to be published, and where.
        tell: Hears of each failed try, in a line.

    Returns:
        What became of it.

    Raises:
        HubError: The Hub refused, or it cannot be found out what it did.
        DigestMismatchError: As in `plan.prepare`.
        ReadmeError: As in `plan.prepare`.
    """
    failures: Counter[Kind] = Counter()
    fault: Fault | None = None
    while True:
        plan = _prepare_again(push, fault) if fault else prepare(push)
        if not plan.changes:
            return unchanged(push, plan, arrived=any(failures[kind] for kind in MAY_HAVE_ARRIVED))
        if fault and failures[fault.kind] > TRIES[fault.kind]:
            raise HubError(last_words(push, fault, failures))
        committed = _try_commit(push, plan)
        if isinstance(committed, CommitInfo):
            return _outcome(push, plan, committed)
        fault = committed
        failures[fault.kind] += 1
        tell(f"Try {failures.total()}: {BRIEFLY[fault.kind]}; reading the repository again.")
        retry.pause(_num_pauses(plan, fault, failures), fault)


def _try_commit(push: Push, plan: Plan) -> CommitInfo | Fault:
    """Send the plan once; the commit, or a fault that deserves another look."""
    with session.watched() as sent:
        try:
            commit = _commit(push, plan)
        except CALL_ERRORS as error:
            fault = _fault_of(error, sent)
            if fault.kind not in TRIES or not retry.is_worth_waiting(fault):
                raise HubError(sentence(push, fault)) from cause(error)
            return fault
    return commit if _is_open(push, plan) else Fault(Kind.MERGED, "")


def _fault_of(error: Exception, sent: list[httpx.Request]) -> Fault:
    """The fault; without a commit among the requests, what became of it is no question."""
    fault = classify(error)
    is_sent = any("/commit/" in request.url.path for request in sent)
    if fault.kind is Kind.UNCERTAIN and not is_sent:
        return replace(fault, kind=Kind.NOT_SENT)
    return fault


def _is_open(push: Push, plan: Plan) -> bool:
    """Whether the pull request that was committed to is one still; a merged one takes no more.

    Raises:
        HubError: It was closed meanwhile.
    """
    if plan.pull_request is None:
        return True
    status = pull_request.status(push.repo_id, plan.pull_request)
    if status == "closed":
        raise HubError(
            f"the pull request {plan.pull_request.url(push.repo_id)} was closed while this report "
            "was pushed to it. Reopen it there if that is welcome."
        )
    return status != "merged"


def _commit(push: Push, plan: Plan) -> CommitInfo:
    operations = [
        CommitOperationAdd(path_in_repo=path, path_or_fileobj=content)
        for path, content in plan.changes.items()
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the Hub thinks of metadata that is not ours
        commit = api().create_commit(
            push.repo_id,
            operations,
            commit_message=pull_request.TITLE,
            commit_description=pull_request.DESCRIPTION if plan.opens_pull_request else None,
            revision=plan.revision,
            parent_commit=plan.parent,
            create_pr=plan.opens_pull_request,
        )
    if not repository.is_commit(commit.oid):
        raise ValueError("the answer names no commit")
    return commit


def _prepare_again(push: Push, fault: Fault) -> Plan:
    """Plan anew after a fault; if even that fails, say what may have happened."""
    try:
        return prepare(push)
    except HubError as error:
        if fault.kind is not Kind.UNCERTAIN:
            raise
        raise HubError(f"{unknown(push, fault)} Reading it back failed too: {error}") from error


def _num_pauses(plan: Plan, fault: Fault, failures: Counter[Kind]) -> int:
    # Nothing but our own look guards against a second pull request: give a late one time to show.
    late = 2 if plan.opens_pull_request and fault.kind is Kind.UNCERTAIN else 0
    return failures[fault.kind] + late


def _outcome(push: Push, plan: Plan, commit: CommitInfo) -> Outcome:
    _confirm(push, plan, commit.oid)
    opened = PullRequest(commit.pr_num) if commit.pr_num else plan.pull_request
    return Outcome(
        changed=True,
        commit_url=commit_url(push, commit.oid),
        pr_url=opened.url(push.repo_id) if opened else None,
        pr_num=opened.num if opened else None,
        advice=plan.advice,
    )


def _confirm(push: Push, plan: Plan, commit: str) -> None:
    """Read back what was stored: a `.gitignore` on the Hub drops files without a word."""
    stored = repository.files_at(push.repo_id, commit, list(plan.changes))
    if stored is None:  # the commit is not to be seen yet; its acceptance was
        return
    for path, content in plan.changes.items():
        if path not in stored or not stored[path].holds(content):
            raise HubError(
                f"the Hub made {commit_url(push, commit)} without {path}. "
                "Look for it in the repository's .gitignore."
            )
