"""A plan as a unified diff, byte for byte what a push would send; `git apply` accepts it."""

from pathlib import PurePosixPath

from hubmaxact.files import lfs_pointer
from hubmaxact.hub.repository import read_file
from hubmaxact.publication.diff import file_diff
from hubmaxact.publication.plan import Plan, Push
from hubmaxact.publication.readme.splicing import MAX_README_BYTES
from hubmaxact.report.deployment import MAX_SIDECAR_BYTES, SIDECARS


def diff(push: Push, plan: Plan) -> bytes:
    """The changes of `plan` against the commit it was made for.

    Args:
        push: What is to be published, and where.
        plan: What it would change.

    Returns:
        A unified diff, which `git apply` accepts.

    Raises:
        HubError: What is there now cannot be read.
    """
    return b"".join(_file(push, plan, path, new) for path, new in plan.changes.items())


def _file(push: Push, plan: Plan, path: str, new: bytes) -> bytes:
    """One file's change; a sidecar's as git holds it, by the pointer that stands for it in LFS."""
    is_sidecar = PurePosixPath(path).name in SIDECARS
    limit = MAX_SIDECAR_BYTES if is_sidecar else MAX_README_BYTES
    old = read_file(push.repo_id, plan.parent, path, limit=limit)
    if not is_sidecar:
        return file_diff(path, old, new)
    return file_diff(path, None if old is None else lfs_pointer(old), lfs_pointer(new))
