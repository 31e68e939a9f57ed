"""Git's objects: how blobs, trees and commits get their names, and what an LFS pointer says."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One file in a tree; `lfs` is the sha256 of the real content when the blob is a pointer."""

    blob: str
    size: int
    lfs: str | None = None


@dataclass(frozen=True)
class Commit:
    """One commit: the whole tree by path, its parents, who, when (seconds) and why."""

    sha: str
    files: Mapping[str, Entry]
    parents: tuple[str, ...]
    title: str
    message: str
    author: str
    seconds: int


def object_id(kind: str, content: bytes) -> str:
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(content)) + content).hexdigest()


def blob_id(content: bytes) -> str:
    return object_id("blob", content)


def tree_id(files: Mapping[str, str]) -> str:
    """The name of the tree with these blobs, by path; folders become trees of their own."""
    blobs = {path: blob for path, blob in files.items() if "/" not in path}
    folders: dict[str, dict[str, str]] = {}
    for path, blob in files.items():
        folder, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(folder, {})[rest] = blob
    rows = [(name, b"100644", blob) for name, blob in blobs.items()]
    rows += [(name + "/", b"40000", tree_id(inside)) for name, inside in folders.items()]
    content = b"".join(
        mode + b" " + name.rstrip("/").encode() + b"\0" + bytes.fromhex(sha)
        for name, mode, sha in sorted(rows, key=lambda row: row[0].encode())
    )
    return object_id("tree", content)


def make_commit(
    files: Mapping[str, Entry],
    *,
    parents: tuple[str, ...],
    title: str,
    message: str,
    author: str,
    seconds: int,
) -> Commit:
    who = f"{author} <{author}@users.noreply.hub.invalid> {seconds} +0000"
    tree = tree_id({path: entry.blob for path, entry in files.items()})
    lines = [f"tree {tree}", *(f"parent {sha}" for sha in parents)]
    lines += [f"author {who}", f"committer {who}", "", f"{title}\n\n{message}".rstrip("\n"), ""]
    sha = object_id("commit", "\n".join(lines).encode())
    return Commit(sha, dict(files), parents, title, message, author, seconds)


def lfs_pointer(sha256: str, size: int) -> bytes:
    return (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()
    )
