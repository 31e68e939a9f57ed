"""Git's side of a repository: objects, refs, commits, LFS. No rights, discussions or HTTP."""

import fnmatch
import hashlib
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from loopback_hub.objects import Commit, Entry, blob_id, lfs_pointer, make_commit
from loopback_hub.refusal import Refusal


@dataclass
class LfsFile:
    """Content that is already in the LFS store, named by its digest."""

    sha256: str
    size: int


class History:
    """Commits and refs. `changes` map a path to bytes, an LfsFile, or None (deleted)."""

    def __init__(self, lfs: dict[str, bytes], clock: Callable[[], int]):
        self.lfs, self.clock = lfs, clock
        self.blobs: dict[str, bytes] = {}
        self.commits: dict[str, Commit] = {}
        self.refs: dict[str, str] = {}
        self.lock = threading.RLock()

    def resolve(self, revision: str, *, stale: bool = False) -> Commit:
        """The commit of a branch, tag, ref or sha; the one before it for a stale read."""
        names = [f"refs/heads/{revision}", f"refs/tags/{revision}", revision]
        sha = next((self.refs[name] for name in names if name in self.refs), revision)
        if sha not in self.commits:
            raise Refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        commit = self.commits[sha]
        if stale and sha != revision and commit.parents:
            return self.commits[commit.parents[0]]
        return commit

    def read(self, path: str, revision: str = "main") -> bytes | None:
        """The real content of a file, LFS or not."""
        entry = self.resolve(revision).files.get(path)
        if entry is None:
            return None
        return self.lfs[entry.lfs] if entry.lfs else self.blobs[entry.blob]

    def history(self, revision: str = "main") -> list[Commit]:
        """Commits from `revision` along first parents, newest first."""
        found, sha = [], self.resolve(revision).sha
        while sha:
            found.append(self.commits[sha])
            sha = self.commits[sha].parents[0] if self.commits[sha].parents else ""
        return found

    def is_lfs(self, path: str, revision: str = "main") -> bool:
        attributes = self.read(".gitattributes", revision) or b""
        patterns = [
            line.split()[0] for line in attributes.decode().splitlines() if "filter=lfs" in line
        ]
        name = path.rpartition("/")[2]
        return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)

    def is_ignored(self, path: str, revision: str = "main") -> bool:
        patterns = (self.read(".gitignore", revision) or b"").decode().split()
        return any(fnmatch.fnmatch(path, pattern) for pattern in patterns)

    def base_commit(self, ours: Commit, theirs: Commit) -> Commit:
        """The newest commit that both histories share."""
        shared = {commit.sha for commit in self.history(ours.sha)}
        return next(commit for commit in self.history(theirs.sha) if commit.sha in shared)

    def commit(
        self,
        changes: Mapping[str, bytes | LfsFile | None],
        *,
        title: str = "Upload files",
        message: str = "",
        author: str = "someone",
        branch: str = "main",
        parent: str | None = None,
    ) -> Commit:
        """Commit onto a branch or refs/pr/N; a `parent` that is not its head is refused (412)."""
        with self.lock:
            ref = branch if branch.startswith("refs/") else f"refs/heads/{branch}"
            head = self.refs.get(ref)
            if head is None and self.refs:
                raise Refusal(404, "RevisionNotFound", f"Invalid rev id: {branch}")
            if parent and head and not head.startswith(parent):
                raise Refusal(
                    412,
                    None,
                    "The branch was updated since you opened this page. "
                    "Please refresh and try again.",
                )
            commit = self._write(head, changes, title, message, author)
            self.refs[ref] = commit.sha
            return commit

    def branch(self, name: str, revision: str = "main") -> None:
        self._new_ref(f"refs/heads/{name}", revision)

    def tag(self, name: str, revision: str = "main") -> None:
        self._new_ref(f"refs/tags/{name}", revision)

    def _new_ref(self, ref: str, revision: str) -> None:
        if ref in self.refs:
            raise Refusal(409, None, f"Reference {ref} already exists")
        self.refs[ref] = self.resolve(revision).sha

    def _write(
        self,
        head: str | None,
        changes: Mapping[str, bytes | LfsFile | None],
        title: str,
        message: str,
        author: str,
    ) -> Commit:
        files = dict(self.commits[head].files) if head else {}
        for path, content in changes.items():
            _check_path(path)
            if content is None:
                files = _without(files, path)
            else:
                files[path] = self._entry(path, content, head)
        return self._store(files, (head,) if head else (), title, message, author)

    def _entry(self, path: str, content: bytes | LfsFile, head: str | None) -> Entry:
        if isinstance(content, bytes) and head and self.is_lfs(path, head):
            content = self.upload(content)
        if isinstance(content, bytes):
            self.blobs[blob_id(content)] = content
            return Entry(blob_id(content), len(content))
        if len(self.lfs.get(content.sha256, b"")) != content.size:
            raise Refusal(400, None, f"LFS object {content.sha256} of {path} was never uploaded")
        pointer = lfs_pointer(content.sha256, content.size)
        self.blobs[blob_id(pointer)] = pointer
        return Entry(blob_id(pointer), content.size, content.sha256)

    def upload(self, content: bytes) -> LfsFile:
        """Put content into the LFS store."""
        sha256 = hashlib.sha256(content).hexdigest()
        self.lfs[sha256] = content
        return LfsFile(sha256, len(content))

    def _store(
        self,
        files: Mapping[str, Entry],
        parents: tuple[str, ...],
        title: str,
        message: str,
        author: str,
    ) -> Commit:
        commit = make_commit(
            files,
            parents=parents,
            title=title,
            message=message,
            author=author,
            seconds=self.clock(),
        )
        self.commits[commit.sha] = commit
        return commit


def _without(files: dict[str, Entry], path: str) -> dict[str, Entry]:
    """Drop a file, or a folder with everything in it."""
    kept = {
        name: entry
        for name, entry in files.items()
        if name != path and not name.startswith(path.rstrip("/") + "/")
    }
    if len(kept) == len(files):
        raise Refusal(404, "EntryNotFound", f"A file with this name doesn't exist: {path}")
    return kept


def _check_path(path: str) -> None:
    parts = path.rstrip("/").split("/")
    if any(part in {"", ".", "..", ".git"} for part in parts) or re.search(r"[\0\\]", path):
        raise Refusal(400, None, f"Invalid path: {path!r}")
