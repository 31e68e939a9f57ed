"""A plan as a unified diff, byte for byte what a push would send; `git apply` accepts it."""

from hubmaxact.hub.repository import read_file
from hubmaxact.publication.diff import file_diff
from hubmaxact.publication.plan import Plan, Push
from hubmaxact.publication.readme.splicing import MAX_README_BYTES


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
    return b"".join(
        file_diff(path, read_file(push.repo_id, plan.parent, path, limit=MAX_README_BYTES), new)
        for path, new in plan.changes.items()
    )
