"""Routes for discussions and pull requests."""

import difflib

from loopback_hub.exchange import Request, Response, answer
from loopback_hub.refusal import Refusal
from loopback_hub.repo import Discussion, Repo

PAGE = 10


def listing(request: Request) -> Response:
    repo = request.repo()
    kind, status, author = (request.one(name) for name in ("type", "status", "author"))
    found = [
        each
        for each in reversed(repo.discussions.values())
        if kind in {"", "all"} or each.is_pull_request == (kind == "pull_request")
    ]
    if status == "open":
        found = [each for each in found if each.status in {"open", "draft"}]
    if status == "closed":
        found = [each for each in found if each.status in {"closed", "merged"}]
    found = [each for each in found if author in {"", each.author}]
    start = int(request.one("p", "0")) * PAGE
    page = [_summary(repo, each) for each in found[start : start + PAGE]]
    return answer({"discussions": page, "count": len(found), "start": start})


def details(request: Request) -> Response:
    repo = request.repo()
    return answer(_details(repo, _discussion(request, repo)))


def create(request: Request) -> Response:
    """A discussion, or a draft pull request without commits."""
    repo, wanted = request.repo(), request.json()
    author = request.discusser(repo)
    is_pull = bool(wanted.get("pullRequest"))
    opened = repo.discuss(
        wanted["title"], wanted.get("description", ""), author=author, is_pull_request=is_pull
    )
    if is_pull:
        opened.status = "draft"
        repo.refs[opened.ref] = repo.resolve("main").sha
    return answer({"num": opened.num, "url": request.url(repo, f"/discussions/{opened.num}")})


def comment(request: Request) -> Response:
    repo = request.repo()
    discussion = _discussion(request, repo)
    text = request.json()["comment"]
    return answer(
        {"newMessage": repo.comment(discussion.num, text, author=request.discusser(repo))}
    )


def status(request: Request) -> Response:
    repo = request.repo()
    discussion, wanted = _discussion(request, repo), request.json()["status"]
    author = request.discusser(repo)
    if author != discussion.author:
        request.writer(repo)
    change = repo.close if wanted == "closed" else repo.reopen
    change(discussion.num, author=author)
    return answer({"newStatus": discussion.events[-1]})


def merge(request: Request) -> Response:
    repo = request.repo()
    discussion = _discussion(request, repo)
    repo.merge(discussion.num, author=request.writer(repo))
    return answer({"success": True})


def _discussion(request: Request, repo: Repo) -> Discussion:
    found = repo.discussions.get(int(request.fields["num"]))
    if found is None:
        raise Refusal(404, None, "Discussion not found")
    return found


def _summary(repo: Repo, discussion: Discussion) -> dict:
    return {
        "title": discussion.title,
        "num": discussion.num,
        "author": {"name": discussion.author},
        "createdAt": discussion.events[0]["createdAt"],
        "status": discussion.status,
        "repo": {"name": repo.repo_id, "type": repo.repo_type},
        "isPullRequest": discussion.is_pull_request,
    }


def _details(repo: Repo, discussion: Discussion) -> dict:
    found = _summary(repo, discussion) | {"events": discussion.events}
    if discussion.is_pull_request:
        found["changes"] = {"base": f"refs/heads/{discussion.base}"}
        if discussion.merge_commit:
            found["changes"]["mergeCommitId"] = discussion.merge_commit
        is_open = discussion.status in {"open", "draft"}
        found["filesWithConflicts"] = repo.conflicts(discussion.num) if is_open else []
        found["diff"] = _diff(repo, discussion)
    return found


def _diff(repo: Repo, discussion: Discussion) -> str:
    """What the pull request changes since it left its branch, as `git diff` says it."""
    head = repo.resolve(discussion.ref)
    base = repo.base_commit(repo.resolve(discussion.base), head)
    paths = sorted({*base.files, *head.files})
    changed = [path for path in paths if base.files.get(path) != head.files.get(path)]
    return "".join(_file_diff(repo, path, base.sha, head.sha) for path in changed)


def _file_diff(repo: Repo, path: str, base: str, head: str) -> str:
    before, after = (repo.read(path, commit) for commit in (base, head))
    lines = difflib.unified_diff(
        (before or b"").decode(errors="replace").splitlines(),
        (after or b"").decode(errors="replace").splitlines(),
        f"a/{path}" if before is not None else "/dev/null",
        f"b/{path}" if after is not None else "/dev/null",
        lineterm="",
    )
    return "\n".join([f"diff --git a/{path} b/{path}", *lines]) + "\n"
