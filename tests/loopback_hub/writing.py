"""Routes that write: repositories, commits, LFS objects, branches and tags."""

import base64
import binascii
import hashlib
import json

from loopback_hub import card
from loopback_hub.exchange import PREFIXES, Request, Response, answer
from loopback_hub.history import LfsFile
from loopback_hub.refusal import Refusal
from loopback_hub.repo import Repo

LFS_THRESHOLD = 10 * 2**20
BAD_METADATA = "Invalid metadata in README.md"


def create_repo(request: Request) -> Response:
    wanted = request.json()
    if request.token is None or request.token.only or request.token.role != "write":
        raise Refusal(401, None, "Invalid username or password.")
    repo_type = wanted.get("type", "model")
    owner = wanted.get("organization") or request.token.user
    repo_id = f"{owner}/{wanted['name']}"
    body = {"url": f"{request.hub.url}/{PREFIXES[repo_type]}{repo_id}", "name": repo_id}
    if (repo_type, repo_id) in request.hub.repos:
        message = f"You already created this {repo_type} repo"
        raise Refusal(409, None, message, {"error": message, **body})
    if owner != request.token.user and request.token.user not in request.hub.accounts.members.get(
        owner, set()
    ):
        raise Refusal(403, None, f"Forbidden: you cannot create repositories in {owner}")
    repo = request.hub.create_repo(repo_id, repo_type=repo_type)
    repo.private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
    return answer(body)


def validate_yaml(request: Request) -> Response:
    content = request.json().get("content", "")
    if errors := card.problems(content):
        body = {
            "error": BAD_METADATA,
            "errors": [{"message": message} for message in errors],
            "warnings": [],
        }
        raise Refusal(400, None, BAD_METADATA, body)
    warnings = [] if card.has_metadata(content) else [{"message": card.NO_METADATA}]
    return answer({"errors": [], "warnings": warnings})


def preupload(request: Request) -> Response:
    repo = request.repo()
    _check_right(request, repo)
    commit = request.commit(repo)
    files = []
    for wanted in request.json()["files"]:
        path, entry = wanted["path"], commit.files.get(wanted["path"])
        is_lfs = repo.is_lfs(path, commit.sha) or wanted["size"] > LFS_THRESHOLD
        files.append(
            {
                "path": path,
                "uploadMode": "lfs" if is_lfs else "regular",
                "shouldIgnore": repo.is_ignored(path, commit.sha),
                "oid": entry and (entry.lfs or entry.blob),
            }
        )
    return answer({"files": files, "commitOid": commit.sha})


def commit(request: Request) -> Response:
    """Everything in one request: a header line, then one line per file (ndjson)."""
    repo = request.repo()
    author = _check_right(request, repo)
    header, changes = _payload(request)
    readme = changes.get("README.md")
    if isinstance(readme, bytes) and (errors := card.problems(readme.decode(errors="replace"))):
        raise Refusal(400, None, f"{BAD_METADATA}: {'; '.join(errors)}")
    words = {"title": header["summary"], "message": header.get("description", "")}
    revision, parent = request.fields["revision"], header.get("parentCommit")
    body = {"success": True, "hookOutput": ""}
    if request.flag("create_pr"):
        pull, made = repo.open_pull_request(
            changes, **words, author=author, base=revision, parent=parent
        )
        body["pullRequestUrl"] = request.url(repo, f"/discussions/{pull.num}")
    else:
        made = repo.commit(changes, **words, author=author, branch=revision, parent=parent)
    body |= {"commitOid": made.sha, "commitUrl": request.url(repo, f"/commit/{made.sha}")}
    return answer(body)


def _check_right(request: Request, repo: Repo) -> str:
    """Writing to a branch takes rights on it; to a pull request, being its author is enough."""
    if request.flag("create_pr"):
        return request.discusser(repo)
    revision = request.fields["revision"]
    if revision.startswith("refs/pr/"):
        author = request.discusser(repo)
        pull = repo.discussions.get(int(revision.rpartition("/")[2]))
        if pull is not None and pull.author == author:
            return author
    return request.writer(repo)


def _payload(request: Request) -> tuple[dict, dict]:
    try:
        lines = [json.loads(line) for line in request.body.splitlines() if line.strip()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        changes = dict(_change(line) for line in lines if line["key"] != "header")
    except (ValueError, LookupError, TypeError, StopIteration) as error:
        raise Refusal(400, None, "Malformed commit payload") from error
    if not header.get("summary") or not changes:
        raise Refusal(400, None, "A commit needs a summary and at least one operation")
    return header, changes


def _change(line: dict) -> tuple[str, bytes | LfsFile | None]:
    value = line["value"]
    if line["key"] == "lfsFile":
        return value["path"], LfsFile(value["oid"], value["size"])
    if line["key"] in {"deletedFile", "deletedFolder"}:
        return value["path"], None
    try:
        return value["path"], base64.b64decode(value["content"], validate=True)
    except binascii.Error as error:
        raise Refusal(400, None, f"Bad base64 for {value['path']}") from error


def lfs_batch(request: Request) -> Response:
    request.writer(request.repo())
    objects = []
    for wanted in request.json()["objects"]:
        answered = {"oid": wanted["oid"], "size": wanted["size"]}
        if wanted["oid"] not in request.hub.lfs:
            href = f"{request.hub.url}/lfs/{wanted['oid']}"
            answered["actions"] = {"upload": {"href": href, "header": {}}}
        objects.append(answered)
    return answer({"transfer": "basic", "objects": objects})


def lfs_upload(request: Request) -> Response:
    """Store an object; its name must be its digest. The URL is the right to write, as on S3."""
    if hashlib.sha256(request.body).hexdigest() != request.fields["oid"]:
        raise Refusal(400, None, "The content does not match its digest")
    request.hub.lfs[request.fields["oid"]] = request.body
    return Response()


def create_tag(request: Request) -> Response:
    repo = request.repo()
    request.writer(repo)
    repo.tag(request.json()["tag"], request.fields["revision"])
    return answer({})


def create_branch(request: Request) -> Response:
    repo = request.repo()
    request.writer(repo)
    start = request.json() if request.body else {}
    repo.branch(request.fields["revision"], start.get("startingPoint") or "main")
    return answer({})
