"""What became of a push, or would become of one."""

from dataclasses import dataclass, replace

from hubmaxact.hub.client import repo_url
from hubmaxact.publication.plan import Plan, Push


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a push did; the commit is the one that holds the report now.

    Attributes:
        changed: Whether there was anything to commit; of a dry run, whether there would be.
        commit_url: The commit that holds the report, made by this push or found; None of a dry run.
        pr_url: The pull request that holds it; None without one.
        pr_num: That pull request's number.
        advice: What the repository's owner should know or do by hand, a sentence each.
        diff: Of a dry run, what would change, byte for byte, as `git apply` accepts it.
    """

    changed: bool
    commit_url: str | None = None
    pr_url: str | None = None
    pr_num: int | None = None
    advice: tuple[str, ...] = ()
    diff: bytes | None = None

    @property
    def url(self) -> str | None:
        """Where to look: the pull request if there is one, else the commit."""
        return self.pr_url or self.commit_url


def unchanged(push: Push, plan: Plan, *, arrived: bool) -> Outcome:
    """Nothing is left to do: because it was so before, or because a commit of ours arrived."""
    return Outcome(
        changed=arrived,
        commit_url=commit_url(push, plan.parent),
        pr_url=plan.pull_request.url(push.repo_id) if plan.pull_request else None,
        pr_num=plan.pull_request.num if plan.pull_request else None,
        advice=plan.advice,
    )


def rehearsed(push: Push, plan: Plan, diff: bytes) -> Outcome:
    """What a push of this plan would come to; its commit does not exist."""
    would_be = unchanged(push, plan, arrived=bool(plan.changes))
    return replace(would_be, commit_url=None, advice=(*plan.advice, _destination(plan)), diff=diff)


def _destination(plan: Plan) -> str:
    if not plan.changes:
        return "Already up to date: nothing would be committed."
    if plan.opens_pull_request:
        return f"A pull request against {plan.revision} would be opened with this."
    return f"This would be committed to {plan.revision}."


def commit_url(push: Push, commit: str) -> str:
    """The page of a commit in the repository that is pushed to."""
    return f"{repo_url(push.repo_id)}/commit/{commit}"
