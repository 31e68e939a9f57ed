"""Routes that read: repository info, trees, paths, refs, commits, and file content."""

import json
import re
from urllib.parse import parse_qs

from loopback_hub import card
from loopback_hub.exchange import Request, Response, answer
from loopback_hub.objects import Commit, Entry, lfs_pointer, tree_id
from loopback_hub.refusal import Refusal
from loopback_hub.repo import Repo, iso

TREE_PAGE = 1000


def info(request: Request) -> Response:
    repo = request.repo()
    return answer(describe(repo, request.commit(repo), expand=expanded(request.query)))


def expanded(query: dict[str, list[str]]) -> list[str] | None:
    return query.get("expand") or query.get("expand[]")


def describe(repo: Repo, commit: Commit, *, expand: list[str] | None = None) -> dict:
    """Everything the Hub says of a repository at a commit; `expand` names the fields wanted."""
    readme = repo.read("README.md", commit.sha)
    facts = {
        "author": repo.owner,
        "sha": commit.sha,
        "lastModified": iso(repo.resolve("main").seconds),
        "createdAt": iso(repo.history()[-1].seconds),
        "private": repo.private,
        "gated": repo.gated,
        "disabled": False,
        "downloads": repo.downloads,
        "likes": repo.likes,
        "tags": card.tags(readme),
        "cardData": card.metadata(readme),
        "siblings": [_sibling(path, entry) for path, entry in sorted(commit.files.items())],
    }
    if repo.repo_type == "model":
        metadata = card.metadata(readme)
        facts["pipeline_tag"] = metadata.get("pipeline_tag")
        facts["library_name"] = metadata.get("library_name")
        facts["config"] = _json_file(repo, "config.json", commit.sha)
    facts = {key: value for key, value in facts.items() if value is not None}
    if expand is not None:
        facts = {key: value for key, value in facts.items() if key in expand}
    names = {"_id": "0" * 24, "id": repo.repo_id}
    return names | ({"modelId": repo.repo_id} if repo.repo_type == "model" else {}) | facts


def tree(request: Request) -> Response:
    repo = request.repo()
    commit = request.commit(repo)
    folder = request.fields.get("path", "").strip("/")
    files = _inside(commit, folder)
    if folder and not files:
        raise Refusal(404, "EntryNotFound", f"{folder} does not exist on {commit.sha}")
    rows = _rows(files, folder, recursive=request.flag("recursive"))
    start = int(request.one("cursor", "0"))
    page, headers = rows[start : start + TREE_PAGE], {}
    if start + TREE_PAGE < len(rows):
        recursive = str(request.flag("recursive")).lower()
        url = f"{request.hub.url}{request.path}?recursive={recursive}&cursor={start + TREE_PAGE}"
        headers["Link"] = f'<{url}>; rel="next"'
    return answer(page, headers=headers)


def paths_info(request: Request) -> Response:
    repo = request.repo()
    commit = request.commit(repo)
    if "json" in request.headers.get("Content-Type", ""):
        paths = request.json().get("paths", [])
    else:
        paths = parse_qs(request.body.decode()).get("paths", [])
    found = []
    for path in paths:
        if path in commit.files:
            found.append(_row(path, commit.files[path]))
        elif inside := _inside(commit, path.rstrip("/")):
            found.append(_folder_row(path.rstrip("/"), inside))
    return answer(found)


def refs(request: Request) -> Response:
    repo = request.repo()

    def listed(prefix: str) -> list[dict]:
        return [
            {"name": ref.removeprefix(prefix), "ref": ref, "targetCommit": sha}
            for ref, sha in repo.refs.items()
            if ref.startswith(prefix)
        ]

    found = {"branches": listed("refs/heads/"), "converts": [], "tags": listed("refs/tags/")}
    if request.flag("include_prs"):
        found["pullRequests"] = listed("refs/pr/")
    return answer(found)


def commits(request: Request) -> Response:
    repo = request.repo()
    found = [
        {
            "id": commit.sha,
            "title": commit.title,
            "message": commit.message,
            "authors": [{"user": commit.author}],
            "date": iso(commit.seconds),
        }
        for commit in repo.history(request.commit(repo).sha)
    ]
    return answer(found)


def resolve(request: Request) -> Response:
    """A file's real content; digests and the commit stand in the headers."""
    repo = request.repo()
    request.hub.accounts.check_content(request.token, repo)
    commit, path = request.commit(repo), request.fields["path"]
    entry = commit.files.get(path)
    if entry is None:
        missing = Refusal(404, "EntryNotFound", "Entry not found")
        return _with_commit(missing, commit)
    content = repo.read(path, commit.sha)
    headers = {
        "X-Repo-Commit": commit.sha,
        "ETag": f'"{entry.lfs or entry.blob}"',
        "Accept-Ranges": "bytes",
        "Content-Type": "application/octet-stream",
    }
    if entry.lfs:
        headers |= {"X-Linked-Etag": f'"{entry.lfs}"', "X-Linked-Size": str(entry.size)}
    return _ranged(content, request.headers.get("Range"), headers)


def _with_commit(refusal: Refusal, commit: Commit) -> Response:
    headers = {"X-Error-Code": refusal.code, "X-Error-Message": refusal.message}
    return Response(
        refusal.message.encode(), refusal.status, {**headers, "X-Repo-Commit": commit.sha}
    )


def _ranged(content: bytes, wanted: str | None, headers: dict[str, str]) -> Response:
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted or "")
    if match is None:
        return Response(content, 200, headers)
    if not match[1]:
        start, stop = max(0, len(content) - int(match[2])), len(content)
    else:
        start, stop = int(match[1]), min(int(match[2] or len(content)) + 1, len(content))
    if start >= len(content):
        return Response(b"", 416, {**headers, "Content-Range": f"bytes */{len(content)}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
    return Response(content[start:stop], 206, headers)


def _inside(commit: Commit, folder: str) -> dict[str, Entry]:
    prefix = f"{folder}/" if folder else ""
    return {path: entry for path, entry in commit.files.items() if path.startswith(prefix)}


def _rows(files: dict[str, Entry], folder: str, *, recursive: bool) -> list[dict]:
    prefix = f"{folder}/" if folder else ""
    rows, folders = [], {}
    for path, entry in sorted(files.items()):
        parents = path.removeprefix(prefix).split("/")[:-1]
        for depth in range(1, len(parents) + 1 if recursive else min(len(parents), 1) + 1):
            name = prefix + "/".join(parents[:depth])
            folders.setdefault(name, {})[path] = entry
        if recursive or not parents:
            rows.append(_row(path, entry))
    return [_folder_row(name, inside) for name, inside in folders.items()] + rows


def _row(path: str, entry: Entry) -> dict:
    row = {"type": "file", "oid": entry.blob, "size": entry.size, "path": path}
    if entry.lfs:
        pointer = lfs_pointer(entry.lfs, entry.size)
        row["lfs"] = {"oid": entry.lfs, "size": entry.size, "pointerSize": len(pointer)}
    return row


def _folder_row(name: str, inside: dict[str, Entry]) -> dict:
    blobs = {path.removeprefix(f"{name}/"): entry.blob for path, entry in inside.items()}
    return {"type": "directory", "oid": tree_id(blobs), "size": 0, "path": name}


def _sibling(path: str, entry: Entry) -> dict:
    sibling = {"rfilename": path, "blobId": entry.blob, "size": entry.size}
    if entry.lfs:
        pointer = lfs_pointer(entry.lfs, entry.size)
        sibling["lfs"] = {"sha256": entry.lfs, "size": entry.size, "pointerSize": len(pointer)}
    return sibling


def _json_file(repo: Repo, path: str, revision: str) -> object:
    try:
        return json.loads(repo.read(path, revision) or b"null")
    except ValueError:
        return None
