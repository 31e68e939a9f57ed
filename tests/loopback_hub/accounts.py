"""Who is asking, and what they may do."""

import hashlib
from dataclasses import dataclass, field

from loopback_hub.refusal import Refusal
from loopback_hub.repo import Repo


@dataclass(frozen=True)
class Token:
    """An access token: "write", "read" or "pull-request"; `only` scopes it to one repository."""

    secret: str
    user: str
    role: str = "write"
    only: str | None = None


@dataclass
class Accounts:
    """Every token and who belongs to which organization."""

    tokens: dict[str, Token] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)

    def issue(self, user: str, role: str = "write", only: str | None = None) -> str:
        """A new token's secret. The same arguments give another token each time."""
        seed = f"{user} {role} {only} {len(self.tokens)}"
        secret = "hf_" + hashlib.sha256(seed.encode()).hexdigest()[:34]
        self.tokens[secret] = Token(secret, user, role, only)
        return secret

    def identify(self, authorization: str | None) -> Token | None:
        """The token of an Authorization header, None without one; an unknown one is refused."""
        if not authorization:
            return None
        token = self.tokens.get(authorization.removeprefix("Bearer "))
        if token is None:
            raise Refusal(401, None, "Invalid credentials in Authorization header")
        return token

    def belongs(self, token: Token | None, repo: Repo) -> bool:
        if token is None:
            return False
        return token.user == repo.owner or token.user in self.members.get(repo.owner, set())

    def check_read(self, token: Token | None, repo: Repo) -> None:
        """Refuse as the Hub does: what may not be seen does not exist."""
        if repo.private and not self.belongs(token, repo):
            raise Refusal(401 if token is None else 404, "RepoNotFound", "Repository not found")

    def check_content(self, token: Token | None, repo: Repo) -> None:
        """Refuse the files of a gated repository to those who were not let in."""
        self.check_read(token, repo)
        if not repo.gated or self.belongs(token, repo):
            return
        if token is None or token.user not in repo.granted:
            message = f"Access to {repo.repo_type} {repo.repo_id} is restricted."
            raise Refusal(401 if token is None else 403, "GatedRepo", message)

    def check_write(self, token: Token | None, repo: Repo) -> None:
        self.check_read(token, repo)
        if token is None:
            raise Refusal(401, None, "Invalid username or password.")
        scoped = f"{repo.repo_type}s/{repo.repo_id}".removeprefix("models/")
        allowed = token.only in {None, scoped} and self.belongs(token, repo)
        if token.role != "write" or not allowed:
            raise Refusal(403, None, f"Forbidden: no write access to {repo.repo_id}")

    def check_discuss(self, token: Token | None, repo: Repo) -> None:
        """A pull request or comment on a visible repository needs no right on it."""
        self.check_read(token, repo)
        if token is None:
            raise Refusal(401, None, "Invalid username or password.")
        if token.role == "read":
            raise Refusal(403, None, "Forbidden: this token may only read")
