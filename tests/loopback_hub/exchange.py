"""A request and its answer, as the routes see them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from loopback_hub.objects import Commit
from loopback_hub.refusal import Refusal
from loopback_hub.repo import Repo

if TYPE_CHECKING:
    from loopback_hub.accounts import Token
    from loopback_hub.hub import LoopbackHub

PREFIXES = {"model": "", "dataset": "datasets/", "space": "spaces/"}


@dataclass
class Request:
    """One request; `fields` are the named groups of its route, percent-decoded."""

    hub: "LoopbackHub"
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    stale: bool = False
    token: "Token | None" = None
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    def one(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[0]

    def flag(self, name: str) -> bool:
        return self.one(name).lower() in {"1", "true"}

    def json(self) -> dict:
        try:
            value = json.loads(self.body)
        except ValueError as error:
            raise Refusal(400, None, "Invalid JSON") from error
        if not isinstance(value, dict):
            raise Refusal(400, None, "Expected a JSON object")
        return value

    def repo(self) -> Repo:
        """The repository named in the path, if this token may see it."""
        repo_type = (self.fields.get("type") or "models").removesuffix("s")
        repo = self.hub.repos.get((repo_type, self.fields["repo"]))
        if repo is None:
            status = 401 if self.token is None else 404
            raise Refusal(status, "RepoNotFound", "Repository not found")
        self.hub.accounts.check_read(self.token, repo)
        return repo

    def elsewhere(self) -> "Response | None":
        """The way to the repository's name of today, for one that was renamed."""
        repo_type = (self.fields.get("type") or "models").removesuffix("s")
        old = self.fields.get("repo", "")
        new = self.hub.renamed.get((repo_type, old))
        if new is None or (repo_type, old) in self.hub.repos:
            return None
        return Response(status=307, headers={"Location": self.target.replace(old, new, 1)})

    def commit(self, repo: Repo) -> Commit:
        """The commit of the revision named in the path (main when there is none)."""
        return repo.resolve(self.fields.get("revision") or "main", stale=self.stale)

    def writer(self, repo: Repo) -> str:
        self.hub.accounts.check_write(self.token, repo)
        return self.author()

    def discusser(self, repo: Repo) -> str:
        self.hub.accounts.check_discuss(self.token, repo)
        return self.author()

    def author(self) -> str:
        assert self.token is not None
        return "[OIDC]" if self.token.only else self.token.user

    def url(self, repo: Repo, rest: str = "") -> str:
        return f"{self.hub.url}/{PREFIXES[repo.repo_type]}{repo.repo_id}{rest}"


@dataclass
class Response:
    """An answer; `length` differs from the body's only for HEAD."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None


def answer(value: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    headers = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    return Response(json.dumps(value).encode(), status, headers)


def refuse(refusal: Refusal) -> Response:
    headers = {"X-Error-Message": refusal.message.encode("ascii", "replace").decode()}
    if refusal.code:
        headers["X-Error-Code"] = refusal.code
    return answer(
        refusal.body or {"error": refusal.message}, status=refusal.status, headers=headers
    )


def decoded(fields: Mapping[str, str | None]) -> dict[str, str]:
    return {name: unquote(value) for name, value in fields.items() if value is not None}
