"""Which repositories on the Hub carry the tag: their ids and commits, and a cap by namespace."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import quote

from hubmaxact.errors import HubError
from hubmaxact.hub import session
from hubmaxact.hub.client import api, repo_url
from hubmaxact.hub.faults import SENTENCES, Fault, Kind
from hubmaxact.hub.repository import check_repo_id, is_commit
from hubmaxact.hub.retry import ask_for
from hubmaxact.hub.safe_words import clean
from hubmaxact.printable import printable

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo
    from huggingface_hub.hf_api import ExpandModelProperty_T

TAG = "activation-maxima"
MOST_REPOSITORIES = 200_000
PER_NAMESPACE = 1000
FIELDS: "list[ExpandModelProperty_T]" = ["sha", "createdAt", "lastModified", "private", "disabled"]


OF_A_LISTING = {
    Kind.NO_TOKEN: "the Hub does not give {repo} without a token (401). Run `hf auth login` or set "
    "HF_TOKEN.",
    Kind.NO_REPOSITORY: "{url} is not there (404): what was asked seems to be no Hub. Check "
    "HF_ENDPOINT.",
}
"""What the sentences about a repository would say wrong."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A repository as the Hub lists it; only this names a row, never the report."""

    repo_id: str
    commit: str
    created: str  # ISO 8601; orders who came first
    last_modified: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """The repositories that the Hub lists, by id, and whether its pages ended before they should.

    No listing can be told to be whole: only that one is not.
    """

    repos: dict[str, Listed]
    is_cut: bool


def list_repos(tag: str) -> Listing:
    """List the public model repositories with a tag.

    Args:
        tag: Tag of the repositories.

    Returns:
        Those that can be read.

    Raises:
        HubError: The Hub refuses, or gives no usable answer.
    """
    if not tag.strip() or "," in tag:  # the Hub would list every repository, or those with both
        raise HubError(f'"{printable(tag)}" is not one tag. Name one that repositories have.')
    infos, is_cut = ask_for(lambda: _walk(tag), lambda fault: _sentence(fault, tag))
    found = map(listed, infos)
    return Listing({repo.repo_id: repo for repo in found if repo is not None}, is_cut)


def _sentence(fault: Fault, tag: str) -> str:
    return fault.sentence(
        repo=f"the listing of repositories tagged {clean(tag)}",
        revision="main",
        url=repo_url(f"models?other={quote(tag)}"),
        sentences=SENTENCES | OF_A_LISTING,
    )


def listed(info: "ModelInfo") -> Listed | None:
    """A repository as the Hub describes it; None for what cannot be read or must not be published.

    Args:
        info: With FIELDS.

    Returns:
        What a row may say of it.
    """
    # A token also lists its owner's private repositories: they are nobody else's business.
    if info.private or info.disabled or not is_commit(info.sha) or not isinstance(info.id, str):
        return None
    try:
        check_repo_id(info.id)
    except HubError:
        return None
    created = info.created_at.isoformat() if info.created_at else "9999"
    modified = info.last_modified.isoformat() if info.last_modified else None
    return Listed(info.id, info.sha, created, modified)


def capped(repos: Iterable[Listed], per_namespace: int) -> tuple[Sequence[Listed], dict[str, int]]:
    """Return the repositories to read, by id, and how many of each owner were too many.

    Args:
        repos: In any order; the oldest of a namespace go first.
        per_namespace: Repositories of one owner at most.

    Returns:
        Those within the cap, and the number of the others by namespace.
    """
    taken: Counter[str] = Counter()
    kept, over = [], Counter[str]()
    for repo in sorted(repos, key=lambda repo: (repo.created, repo.repo_id)):
        namespace = repo.repo_id.rpartition("/")[0]
        taken[namespace] += 1
        if taken[namespace] > per_namespace:
            over[namespace] += 1
        else:
            kept.append(repo)
    return sorted(kept, key=lambda repo: repo.repo_id), dict(sorted(over.items()))


def _walk(tag: str) -> tuple[list["ModelInfo"], bool]:
    """Page after page, and whether the last one was announced and had nothing new.

    Caches between the Hub and us may answer a later page with an empty one, or with the first.
    """
    found: dict[str, ModelInfo] = {}
    page = new = 0
    with session.watched() as sent:
        for info in _tagged(tag):
            if len(sent) > page:
                if page and not new:
                    return list(found.values()), True
                page, new = len(sent), 0
            new += info.id not in found
            found[info.id] = info
        return list(found.values()), bool(found) and (len(sent) > page or not new)


def _tagged(tag: str) -> Iterable["ModelInfo"]:
    found = api().list_models(filter=tag, sort="created_at", expand=FIELDS)
    return islice(found, MOST_REPOSITORIES)
