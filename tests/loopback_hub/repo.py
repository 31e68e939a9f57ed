"""One repository as the Hub shows it: git state, pull requests, and who may see it. No HTTP."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from loopback_hub.history import History, LfsFile
from loopback_hub.objects import Commit, Entry
from loopback_hub.refusal import Refusal

GITATTRIBUTES = b"""\
*.bin filter=lfs diff=lfs merge=lfs -text
*.parquet filter=lfs diff=lfs merge=lfs -text
*.pt filter=lfs diff=lfs merge=lfs -text
*.safetensors filter=lfs diff=lfs merge=lfs -text
"""
FIRST_SECOND = 1_760_000_000


@dataclass
class Discussion:
    """A discussion or pull request; `base` is the branch it would be merged into."""

    num: int
    title: str
    author: str
    is_pull_request: bool
    base: str = "main"
    status: str = "open"
    events: list[dict] = field(default_factory=list)
    merge_commit: str | None = None

    @property
    def ref(self) -> str:
        return f"refs/pr/{self.num}"


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Repo(History):
    """A repository's whole state."""

    def __init__(
        self, repo_type: str, repo_id: str, lfs: dict[str, bytes], clock: Callable[[], int]
    ):
        super().__init__(lfs, clock)
        self.repo_type, self.repo_id = repo_type, repo_id
        self.private = False
        self.gated: str | bool = False
        self.granted: set[str] = set()
        self.downloads = self.likes = 0
        self.discussions: dict[int, Discussion] = {}

    @property
    def owner(self) -> str:
        return self.repo_id.partition("/")[0]

    def open_pull_request(
        self,
        changes: Mapping[str, bytes | LfsFile | None],
        *,
        title: str,
        message: str = "",
        author: str = "someone",
        base: str = "main",
        parent: str | None = None,
    ) -> tuple[Discussion, Commit]:
        """Open a pull request that holds one commit on `parent`, or on the head of `base`."""
        with self.lock:
            if f"refs/heads/{base}" not in self.refs:
                raise Refusal(404, "RevisionNotFound", f"Invalid rev id: {base}")
            start = self.resolve(parent or base).sha
            commit = self._write(start, changes, title, message, author)
            opened = self.discuss(title, message, author=author, base=base, is_pull_request=True)
            self.refs[opened.ref] = commit.sha
            self._event(opened, "commit", author, {"subject": title, "oid": commit.sha})
            return opened, commit

    def discuss(
        self, title: str, text: str, *, author: str, base: str = "main", is_pull_request: bool
    ) -> Discussion:
        num = len(self.discussions) + 1
        opened = Discussion(num, title, author, is_pull_request, base)
        self.discussions[num] = opened
        self.comment(num, text, author=author)
        return opened

    def comment(self, num: int, text: str, *, author: str) -> dict:
        data = {"edited": False, "hidden": False, "latest": {"raw": text, "html": ""}}
        return self._event(self.discussions[num], "comment", author, data)

    def close(self, num: int, *, author: str = "someone") -> None:
        self._set_status(num, "closed", author)

    def reopen(self, num: int, *, author: str = "someone") -> None:
        self._set_status(num, "open", author)

    def merge(self, num: int, *, author: str = "someone") -> Commit:
        """Merge a pull request, file by file; the same file changed on both sides is refused."""
        with self.lock:
            pull = self.discussions[num]
            if not pull.is_pull_request or pull.status != "open":
                raise Refusal(409, None, "This pull request cannot be merged")
            ours, theirs = self.resolve(pull.base), self.resolve(pull.ref)
            files = self._merged(ours, theirs)
            commit = self._store(
                files, (ours.sha, theirs.sha), f"{pull.title} (#{num})", "", author
            )
            self.refs[f"refs/heads/{pull.base}"] = pull.merge_commit = commit.sha
            self._set_status(num, "merged", author)
            return commit

    def conflicts(self, num: int) -> list[str]:
        pull = self.discussions[num]
        return self._conflicts(self.resolve(pull.base), self.resolve(pull.ref))

    def _merged(self, ours: Commit, theirs: Commit) -> dict[str, Entry]:
        if clashing := self._conflicts(ours, theirs):
            raise Refusal(409, None, f"Conflicts in {', '.join(clashing)}")
        base = self.base_commit(ours, theirs)
        merged = dict(ours.files)
        for path in _changed(base, theirs):
            if path in theirs.files:
                merged[path] = theirs.files[path]
            else:
                merged.pop(path, None)
        return merged

    def _conflicts(self, ours: Commit, theirs: Commit) -> list[str]:
        base = self.base_commit(ours, theirs)
        both = _changed(base, ours) & _changed(base, theirs)
        return sorted(path for path in both if ours.files.get(path) != theirs.files.get(path))

    def _set_status(self, num: int, status: str, author: str) -> None:
        self.discussions[num].status = status
        self._event(self.discussions[num], "status-change", author, {"status": status})

    def _event(self, discussion: Discussion, kind: str, author: str, data: dict) -> dict:
        event = {
            "id": f"{len(discussion.events):024x}",
            "type": kind,
            "createdAt": iso(self.clock()),
            "author": {"name": author},
            "data": data,
        }
        discussion.events.append(event)
        return event


def _changed(base: Commit, other: Commit) -> set[str]:
    paths = {*base.files, *other.files}
    return {path for path in paths if base.files.get(path) != other.files.get(path)}
