"""A report by name: a file, a folder, or a place on the Hub; the last as an id or as a URL.

Takes names apart and asks nobody. What a name leads to is read in `source`.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from hubmaxact.errors import HubmaxactError
from hubmaxact.printable import LONGEST_PATH, printable, without_secret
from hubmaxact.report.document import REPORT_NAME

REPO = r"(?P<repo>[^/@\s]{1,96}(?:/[^/@\s]{1,96})?)"
ID = re.compile(rf"{REPO}(?:@(?P<revision>[^@\s]{{1,200}}))?/?(?P<file>)")
HF = re.compile(
    rf"hf://(?:models/)?{REPO}"
    r"(?:@(?P<revision>refs/(?:pr|convert)/[^/@\s]{1,100}|[^/@\s]{1,200}))?(?:/(?P<file>.{1,500})?)?"
)
SCHEME = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9+.-]*)://")
HUB_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})
"""Names of one host; another one that HF_ENDPOINT names has one name."""

NO_MODEL = frozenset({"datasets", "spaces", "collections", "papers", "api", "docs", "blog"})
FILES, FOLDERS = frozenset({"blob", "resolve", "raw"}), frozenset({"tree", "commit"})


class AddressError(HubmaxactError):
    """Raised when a name cannot lead to a report."""


@dataclass(frozen=True, slots=True)
class Address:
    """A file in a model repository; `revision` is None where none was named."""

    repo_id: str
    revision: str | None = None
    path: str = REPORT_NAME


def is_local(name: str | Path, folder: Path = Path()) -> bool:
    """Whether a name is that of a file or folder, there or not, rather than of a place on the Hub.

    Args:
        name: What the user said. A `Path` is always a file or a folder.
        folder: What a relative path is relative to.

    Returns:
        False for an id or a URL. What is there goes before an id of the same name.
    """
    if isinstance(name, Path):
        return True
    if SCHEME.match(name):
        return False
    if _is_bare_url(name):
        return os.path.lexists(folder / name)
    looks = name.endswith(".json") or name.startswith((".", "/", "~")) or "\\" in name
    return looks or "\0" in name or os.path.lexists(folder / name) or not ID.fullmatch(name)


def parse_address(name: str, endpoint: str) -> Address:
    """Take an id or a URL apart.

    Args:
        name: "OWNER/NAME", also with "hf://" before it, and "@REVISION" and "/FILE" behind it; or
            the URL of a repository's page or of a file in one.
        endpoint: URL of the Hub that is in use.

    Returns:
        Repository, revision and file.

    Raises:
        AddressError: It is of another host, or leads to no model repository.
    """
    name = f"https://{name}" if _is_bare_url(name) else name
    scheme = SCHEME.match(name)
    if scheme is not None and scheme["name"].lower() in {"http", "https"}:
        return _of_url(name, endpoint)
    match = (HF if scheme else ID).fullmatch(name)
    if match is None or match["repo"].partition("/")[0] in NO_MODEL:
        raise AddressError(
            f"{_shown(name)} is no address of a report. Name a file, a folder, OWNER/NAME, or a "
            f"page at {endpoint}."
        )
    revision = match["revision"]
    return Address(
        match["repo"], unquote(revision) if revision else None, match["file"] or REPORT_NAME
    )


def _is_bare_url(name: str) -> bool:
    """Whether it is a URL of the Hub as people copy them, without the scheme."""
    return name.partition("/")[0].lower() in HUB_HOSTS


def _of_url(name: str, endpoint: str) -> Address:
    path = _path_at(name, endpoint)
    if path is None:
        raise AddressError(
            f"{_shown(name)} is not on the Hub in use, {endpoint}, and nothing else is asked. "
            "Download it and name the file, or set HF_ENDPOINT."
        )
    parts = [unquote(part) for part in path.split("/") if part]
    if not parts or parts[0] in NO_MODEL:
        raise AddressError(
            f"{_shown(name)} is no page of a model. A report lies in a model's repository, as "
            f"{endpoint}/OWNER/NAME/blob/main/{REPORT_NAME}."
        )
    return _of_parts(name, parts)


def _path_at(name: str, endpoint: str) -> str | None:
    """The path of a URL below the Hub's own; None where it is elsewhere."""
    try:
        url, home = urlsplit(name), urlsplit(endpoint)
        is_home = _host(url) == _host(home) and not (url.username or url.password)
    except ValueError:
        return None
    base = home.path.rstrip("/")
    if not is_home or not f"{url.path}/".startswith(f"{base}/"):
        return None
    return url.path.removeprefix(base)


def _of_parts(name: str, parts: list[str]) -> Address:
    """OWNER/NAME, OWNER/NAME/blob/REVISION/FILE and the like."""
    repo_id, (kind, *rest) = "/".join(parts[:2]), parts[2:] or [""]
    if rest[:1] == ["refs"] and len(rest) >= 3:
        rest = ["/".join(rest[:3]), *rest[3:]]
    revision, inside = (rest[0] if rest else None), "/".join(rest[1:])
    # The pages of folders and of files differ in one word, which people change by hand.
    if kind in FILES | FOLDERS and (inside.endswith(".json") or (inside and kind in FILES)):
        return Address(repo_id, revision, inside)
    if kind in FOLDERS and revision:
        return Address(repo_id, revision, f"{inside}/{REPORT_NAME}" if inside else REPORT_NAME)
    if kind == "discussions" and revision and revision.isdecimal():
        return Address(repo_id, f"refs/pr/{revision}")
    if kind == "":
        return Address(repo_id)
    raise AddressError(
        f"{_shown(name)} leads to no report. Name the page of the repository, or of the file in it."
    )


def _host(url: SplitResult) -> tuple[str, int | None]:
    host = (url.hostname or "").lower()
    usual = {"http": 80, "https": 443}.get(url.scheme.lower())
    port = url.port if url.port not in {usual, None} else None
    return (next(iter(sorted(HUB_HOSTS))) if host in HUB_HOSTS else host), port


def _shown(name: str) -> str:
    return printable(without_secret(name), LONGEST_PATH)
