"""The loopback Hub keeps git's own names and says no where the Hub says no."""

import hashlib
import json
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from loopback_hub import environment
from loopback_hub.desk import README, REPO, WEIGHTS


def git(folder, *words):
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, check=True, text=True)
    return done.stdout.strip()


def test_objects_have_the_names_that_git_gives_them(hub, tmp_path):
    files = {"a.txt": b"a", "b/c.txt": b"c", "b.txt": b"b", "b/d/e": b"\0", "README.md": README}
    repo = hub.create_repo("alice/plain", files=files)
    commit = repo.resolve("main")
    git(tmp_path, "init", "-q")
    for path, content in {**files, ".gitattributes": repo.read(".gitattributes")}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    git(tmp_path, "add", "-A")
    who = f"alice <alice@users.noreply.hub.invalid> {commit.seconds} +0000"
    (tmp_path / "commit").write_text(
        f"tree {git(tmp_path, 'write-tree')}\nparent {commit.parents[0]}\n"
        f"author {who}\ncommitter {who}\n\n{commit.title}\n"
    )
    assert git(tmp_path, "hash-object", "-t", "commit", "commit") == commit.sha


CLIENT = """
import json, sys
from huggingface_hub import CommitOperationAdd, HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError
api = HfApi()
def refusal(call):
    try: call()
    except (HfHubHTTPError, ValueError) as error:
        response = getattr(error, "response", None) or getattr(error.__cause__, "response", None)
        return [response.status_code, response.headers.get("X-Error-Code")]
def add(path, content): return [CommitOperationAdd(path, content)]
def commit(operations, **how):
    return api.create_commit("alice/model", operations, commit_message="m", **how)
head = api.model_info("alice/model").sha
out = {}
out["stale"] = refusal(lambda: commit(add("a", b"1"), parent_commit="0" * 40))
out["yaml"] = refusal(lambda: commit(add("README.md", b"---\\na: [\\n---\\n")))
out["tags"] = refusal(lambda: commit(add("README.md", b"---\\ntags: x\\n---\\n")))
out["branch"] = refusal(lambda: commit(add("a", b"1"), revision="nope"))
out["sha"] = refusal(lambda: commit(add("a", b"1"), revision=head, create_pr=True))
out["repository"] = refusal(lambda: api.model_info("alice/nope"))
made = commit(add("more.safetensors", b"weights"), parent_commit=head)
entry = api.get_paths_info("alice/model", ["more.safetensors"])[0]
out["lfs"] = [entry.lfs.sha256, entry.size]
folder = snapshot_download("alice/model")
out["download"] = open(folder + "/more.safetensors", "rb").read().decode()
api.create_tag("alice/model", tag="v1")
out["tag"] = api.model_info("alice/model", revision="v1").sha == made.oid
out["tag exists"] = refusal(lambda: api.create_tag("alice/model", tag="v1"))
out["commits"] = len(api.list_repo_commits("alice/model"))
api.create_discussion("alice/model", title="t", description="d")
api.comment_discussion("alice/model", 1, "c")
out["comment"] = [event.content for event in api.get_discussion_details("alice/model", 1).events]
api.create_pull_request("alice/model", title="p")
commit(add("from-pr.txt", b"1"), revision="refs/pr/2")
api.change_discussion_status("alice/model", 2, "open")
api.merge_pull_request("alice/model", 2)
out["merged"] = "from-pr.txt" in api.list_repo_files("alice/model")
out["url"] = str(api.create_repo("alice/new"))
out["exists"] = refusal(lambda: api.create_repo("alice/new"))
found = list(api.list_models(filter="text", limit=3, full=True))
out["listed"] = [model.id for model in found]
out["all"] = len(list(api.list_models(author="alice")))
out["card"] = found[0].card_data
print(json.dumps(out))
"""


def test_the_real_client_meets_what_it_meets_on_the_hub(desk):
    for number in range(5):
        desk.hub.create_repo(f"alice/other-{number}", files={"README.md": README})
    desk.hub.page_size = 2
    done = subprocess.run(
        [sys.executable, "-c", CLIENT],
        env=environment(desk.hub, desk.home),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    weights = hashlib.sha256(b"weights").hexdigest()
    assert json.loads(done.stdout) == {
        "stale": [412, None],
        "yaml": [400, None],
        "tags": [400, None],
        "branch": [404, "RevisionNotFound"],
        "sha": [404, "RevisionNotFound"],
        "repository": [404, "RepoNotFound"],
        "lfs": [weights, 7],
        "download": "weights",
        "tag": True,
        "tag exists": [409, None],
        "commits": 3,
        "comment": ["d", "c"],
        "merged": True,
        "url": f"{desk.hub.url}/alice/new",
        "exists": [409, None],
        "listed": ["alice/model", "alice/other-0", "alice/other-1"],
        "all": 7,
        "card": None,
    }


def ask(hub, method, path, body=None, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(hub.url + path, data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, dict(response.headers), response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def test_an_lfs_object_that_was_never_uploaded_cannot_be_committed(desk):
    lines = [
        {"key": "header", "value": {"summary": "s"}},
        {"key": "lfsFile", "value": {"path": "w.safetensors", "oid": "0" * 64, "size": 1}},
    ]
    body = "\n".join(map(json.dumps, lines)).encode()
    path = f"/api/models/{REPO}/commit/main"
    status, _, answer = ask(desk.hub, "POST", path, body, desk.hub.token)
    assert status == 400
    assert b"never uploaded" in answer
    assert ask(desk.hub, "PUT", f"/lfs/{'0' * 64}", b"x")[0] == 400


def test_weights_are_served_whole_or_in_part_with_their_digest(desk):
    path = f"/{REPO}/resolve/main/model-00001-of-00002.safetensors"
    content = WEIGHTS["model-00001-of-00002.safetensors"]
    digest = hashlib.sha256(content).hexdigest()
    status, headers, body = ask(desk.hub, "GET", path)
    assert (status, body, headers["X-Linked-Etag"]) == (200, content, f'"{digest}"')
    assert headers["X-Linked-Size"] == str(len(content))
    request = urllib.request.Request(desk.hub.url + path, headers={"Range": "bytes=2-4"})
    with urllib.request.urlopen(request, timeout=10) as response:
        assert (response.status, response.read()) == (206, content[2:5])


RIGHTS = [
    ("anonymous on a public model", None, {}, 200),
    ("stranger on a private model", "bob", {"private": True}, 404),
    ("anonymous on a private model", None, {"private": True}, 401),
    ("owner on a private model", "alice", {"private": True}, 200),
    ("stranger on a gated model", "bob", {"gated": "manual"}, 403),
    ("let in to a gated model", "bob", {"gated": "manual", "granted": {"bob"}}, 200),
]


@pytest.mark.parametrize(
    ("user", "state", "status"), [row[1:] for row in RIGHTS], ids=[row[0] for row in RIGHTS]
)
def test_who_may_read_files(desk, user, state, status):
    token = desk.hub.accounts.issue(user) if user else None
    vars(desk.repo).update(state)
    assert ask(desk.hub, "GET", f"/{REPO}/resolve/main/config.json", token=token)[0] == status


@pytest.mark.parametrize(
    ("role", "pull_request", "status"),
    [
        ("write", "", 200),
        ("read", "", 403),
        ("read", "?create_pr=1", 403),
        ("pull-request", "", 403),
        ("pull-request", "?create_pr=1", 200),
    ],
)
def test_what_a_token_may_write(desk, role, pull_request, status):
    lines = [
        {"key": "header", "value": {"summary": "s"}},
        {"key": "file", "value": {"path": "a", "content": "YQ==", "encoding": "base64"}},
    ]
    body = "\n".join(map(json.dumps, lines)).encode()
    token = desk.hub.accounts.issue("alice", role)
    path = f"/api/models/{REPO}/commit/main{pull_request}"
    assert ask(desk.hub, "POST", path, body, token)[0] == status


def test_conflicting_changes_cannot_be_merged(desk):
    desk.repo.open_pull_request({"config.json": b"1"}, title="t", author="bob")
    desk.repo.commit({"config.json": b"2"})
    path = f"/api/models/{REPO}/discussions/1/merge"
    assert ask(desk.hub, "POST", path, b"{}", desk.hub.token)[0] == 409
