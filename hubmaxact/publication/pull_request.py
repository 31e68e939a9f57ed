"""Our pull requests on a repository: at most one open, and a refusal is a refusal.

A pull request is ours by its title, by a marker in its description and by its author. A token
that cannot say who it belongs to (one that a CI job exchanged) is recognised by what the pull
request changes instead: only our files. Knows discussions; knows nothing of commits.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from huggingface_hub import Discussion, DiscussionComment, DiscussionWithDetails, get_token
from huggingface_hub.errors import HfHubHTTPError

from hubmaxact.hub.client import api, repo_url
from hubmaxact.hub.retry import ask
from hubmaxact.hub.sign_in import is_ci_job

TITLE = "Add activation maxima"
MARKER = "<!-- hubmaxact:pull-request -->"
DESCRIPTION = f"""\
This adds how large this model's activations get, measured with hubmaxact on the weights in this
repository: `activation_maxima.json` (the report) and a section in the model card. Anyone can check
the numbers with `hubmaxact verify`. Background: https://arxiv.org/abs/2605.15572

Apart from the section, its picture and one tag, the card stays as it is. Close this pull request if
you do not want it; the same report is then not offered again.

{MARKER}
"""
MOST_PULL_REQUESTS = 200
CHANGED_FILE = re.compile(r"^diff --git a/(?P<path>.+) b/(?P=path)$", re.MULTILINE)
ANY_FILE = re.compile(r"^diff --git ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PullRequest:
    """One of our pull requests, by its number."""

    num: int

    @property
    def revision(self) -> str:
        """The ref that commits of this pull request go to."""
        return f"refs/pr/{self.num}"

    def url(self, repo_id: str) -> str:
        """The page where it is discussed."""
        return f"{repo_url(repo_id)}/discussions/{self.num}"


@dataclass(frozen=True, slots=True)
class Ours:
    """Our pull requests against one branch: the open one, and the one last closed unmerged."""

    open: PullRequest | None = None
    declined: PullRequest | None = None


def find(repo_id: str, base: str, paths: frozenset[str]) -> Ours:
    """Look for our pull requests against branch `base`; `paths` are the files that we write."""
    author = _own_name(repo_id)
    listed = sorted(_listed(repo_id, author), key=lambda each: each.num, reverse=True)
    is_open = [each for each in listed if each.status in {"open", "draft"}]
    settled = [each for each in listed if each not in is_open]
    # Only the newest word counts: one merged after a refusal lifts the refusal.
    for each in is_open + settled:
        if _is_ours(repo_id, each, base, author, paths):
            ours = PullRequest(each.num)
            if each in is_open:
                return Ours(open=ours)
            return Ours(declined=ours if each.status == "closed" else None)
    return Ours()


def status(repo_id: str, pull_request: PullRequest) -> str:
    """Whether it is "open", "draft", "closed" or "merged" by now."""
    num = pull_request.num
    return ask(lambda: api().get_discussion_details(repo_id, num).status, repo_id=repo_id)


def _own_name(repo_id: str) -> str | None:
    if is_ci_job() or get_token() is None:
        return None
    name = ask(_whoami, repo_id=repo_id)
    return name if isinstance(name, str) else None


def _whoami() -> object:
    try:
        return api().whoami().get("name")
    except HfHubHTTPError as error:
        if error.response.status_code in {401, 403}:  # a token for one repository only
            return None
        raise


def _listed(repo_id: str, author: str | None) -> list[Discussion]:
    def discussions() -> Iterator[Discussion]:
        return api().get_repo_discussions(
            repo_id, discussion_type="pull_request", discussion_status="all", author=author
        )

    listed = ask(lambda: list(islice(discussions(), MOST_PULL_REQUESTS)), repo_id=repo_id)
    return [each for each in listed if each.title == TITLE]


def _is_ours(
    repo_id: str, listed: Discussion, base: str, author: str | None, paths: frozenset[str]
) -> bool:
    details = ask(lambda: api().get_discussion_details(repo_id, listed.num), repo_id=repo_id)
    if (details.target_branch or "").removeprefix("refs/heads/") != base:
        return False
    if MARKER not in _description(details):
        return False
    if author is not None:
        return details.author == author
    return _changes_only(details.diff or "", paths)


def _description(details: DiscussionWithDetails) -> str:
    comments = (event for event in details.events if isinstance(event, DiscussionComment))
    return next((comment.content for comment in comments), "")


def _changes_only(diff: str, paths: frozenset[str]) -> bool:
    changed = [match["path"] for match in CHANGED_FILE.finditer(diff)]
    return len(changed) == len(ANY_FILE.findall(diff)) and set(changed) <= paths
