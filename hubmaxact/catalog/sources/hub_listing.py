"""Which repositories on the Hub carry the tag: their ids, commits, and a cap for each namespace."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import quote

from hubmaxact.errors import HubError
from hubmaxact.hub.client import api
from hubmaxact.hub.repository import check_repo_id, is_commit
from hubmaxact.hub.retry import ask

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

TAG = "activation-maxima"
MOST_REPOSITORIES = 200_000
PER_NAMESPACE = 1000


@dataclass(frozen=True, slots=True)
class Listed:
    """A repository as the Hub lists it; only this names a row, never the report."""

    repo_id: str
    commit: str
    created: str  # ISO 8601; orders who came first
    last_modified: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """The repositories to read, by id, and how many of a namespace were too many."""

    repos: tuple[Listed, ...]
    over_cap: dict[str, int]


def list_repos(tag: str, per_namespace: int) -> Listing:
    """List the public model repositories with a tag; the oldest of a namespace go first.

    Args:
        tag: Tag of the repositories.
        per_namespace: Repositories of one owner at most.

    Returns:
        Those to read, and how many of each owner were too many.

    Raises:
        HubError: The Hub refuses, or gives no usable answer.
    """
    infos = ask(lambda: list(_tagged(tag)), repo_id=f"models?other={quote(tag)}")
    known = {repo.repo_id: repo for repo in map(_listed, infos) if repo is not None}
    return _capped(known.values(), per_namespace)


def _tagged(tag: str) -> Iterable["ModelInfo"]:
    found = api().list_models(
        filter=tag,
        sort="created_at",
        expand=["sha", "createdAt", "lastModified", "private", "disabled"],
    )
    return islice(found, MOST_REPOSITORIES)


def _listed(info: "ModelInfo") -> Listed | None:
    """None for what cannot be read or must not be published."""
    # A token also lists its owner's private repositories: they are nobody else's business.
    if info.private or info.disabled or not is_commit(info.sha):
        return None
    try:
        check_repo_id(info.id)
    except HubError:
        return None
    created = info.created_at.isoformat() if info.created_at else "9999"
    modified = info.last_modified.isoformat() if info.last_modified else None
    return Listed(info.id, info.sha, created, modified)


def _capped(repos: Iterable[Listed], per_namespace: int) -> Listing:
    taken: Counter[str] = Counter()
    kept, over = [], Counter[str]()
    for repo in sorted(repos, key=lambda repo: (repo.created, repo.repo_id)):
        namespace = repo.repo_id.rpartition("/")[0]
        taken[namespace] += 1
        if taken[namespace] > per_namespace:
            over[namespace] += 1
        else:
            kept.append(repo)
    return Listing(tuple(sorted(kept, key=lambda repo: repo.repo_id)), dict(sorted(over.items())))
