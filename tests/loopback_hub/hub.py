"""The Hub itself: its repositories and accounts, its server, and what was asked of it."""

import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from typing import Self

from loopback_hub.accounts import Accounts
from loopback_hub.exchange import Request, Response
from loopback_hub.faults import Faults
from loopback_hub.objects import Commit
from loopback_hub.repo import FIRST_SECOND, GITATTRIBUTES, Repo
from loopback_hub.server import CI_IDENTITY, handler_of


@dataclass(frozen=True)
class Asked:
    """One request that was answered; what was, whatever a fault made of it.

    `num_sent` counts the bytes of the answer's body.
    """

    method: str
    target: str
    authorization: str | None
    agent: str
    body: bytes
    status: int
    num_sent: int


class LoopbackHub:
    """A Hub that lives as long as the `with` block.

    `url` is its endpoint; `token` is a write token of "alice", `tokens` makes others. Seed it with
    `create_repo` and `commit`, script trouble with `faults.add`, read `requests` afterwards.
    """

    def __init__(self):
        self.repos: dict[tuple[str, str], Repo] = {}
        self.renamed: dict[tuple[str, str], str] = {}
        self.lfs: dict[str, bytes] = {}
        self.accounts = Accounts()
        self.token = self.accounts.issue("alice")
        self.faults = Faults()
        self.requests: list[Asked] = []
        self.page_size = 100
        self.trusted_publishers: set[str] = set()
        self.ci_request_token = "request-token-of-the-ci-job"
        self.ci_identity = "signed-identity-of-the-ci-job"
        self.stopping = threading.Event()
        self._seconds = itertools.count(FIRST_SECOND)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def ci_identity_url(self) -> str:
        return f"{self.url}{CI_IDENTITY}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def create_repo(
        self,
        repo_id: str,
        *,
        repo_type: str = "model",
        files: Mapping[str, bytes] | None = None,
        gitattributes: bytes = GITATTRIBUTES,
    ) -> Repo:
        """A new repository; `files` are committed to main, weights into LFS."""
        repo = Repo(repo_type, repo_id, self.lfs, lambda: next(self._seconds))
        repo.commit({".gitattributes": gitattributes}, title="initial commit", author=repo.owner)
        if files:
            repo.commit(files, author=repo.owner)
        self.repos[repo_type, repo_id] = repo
        return repo

    def rename(self, repo_id: str, name: str, *, repo_type: str = "model") -> Repo:
        """Give a repository another name; requests under the old one are led to it."""
        repo = self.repos[repo_type, name] = self.repos.pop((repo_type, repo_id))
        repo.repo_id = self.renamed[repo_type, repo_id] = name
        return repo

    def commit(self, repo: Repo, files: Mapping[str, bytes | None], **words) -> Commit:
        """Somebody commits; None deletes a file. See `Repo.commit` for the words."""
        return repo.commit(files, **words)

    def note(self, request: Request, response: Response) -> None:
        self.requests.append(
            Asked(
                request.method,
                request.target,
                request.headers.get("Authorization"),
                request.headers.get("User-Agent", ""),
                request.body,
                response.status,
                len(response.body),
            )
        )

    def asked(self, method: str, part: str) -> list[Asked]:
        """The requests of one method whose path holds `part`."""
        return [each for each in self.requests if each.method == method and part in each.target]
