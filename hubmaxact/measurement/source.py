"""From what the user named to a checkpoint folder: local, or downloaded at a commit."""

from dataclasses import dataclass
from pathlib import Path

from hubmaxact.errors import NoCheckpointError


@dataclass(frozen=True, slots=True)
class Source:
    """A checkpoint folder and where it came from."""

    folder: Path
    model_id: str | None = None
    revision: str | None = None
    commit: str | None = None


def resolve_source(
    checkpoint: str | Path, *, revision: str | None = None, model_id: str | None = None
) -> Source:
    """Take a local folder as it is; resolve a Hub id to a commit before anything else.

    Args:
        checkpoint: Folder of a checkpoint, or a Hub id ("owner/name"). A `Path` is always a folder.
        revision: Branch, tag or commit of a Hub id. None: main.
        model_id: Hub id to record for a local folder.

    Returns:
        The folder, in the cache if the checkpoint is on the Hub.

    Raises:
        NoCheckpointError: It is neither a folder nor a Hub id, or a folder was given a revision.
        HubError: The repository or the revision cannot be read; offline, it is not in the cache.
        UnsafeCheckpointError: The repository has its weights only as pickle.
    """
    from hubmaxact.hub.cache import find_commit, is_offline, remember
    from hubmaxact.hub.repository import check_repo_id
    from hubmaxact.measurement.checkpoint.download import cached_checkpoint, download_checkpoint

    if model_id is not None:
        check_repo_id(model_id)
    path, name = Path(checkpoint), str(checkpoint)
    if path.is_dir():
        if revision is not None:
            raise NoCheckpointError(
                f"{name} is a local folder, which has no revisions. Leave --revision out."
            )
        return Source(path, model_id=model_id)
    if path.exists() or isinstance(checkpoint, Path) or name.startswith((".", "/", "~")):
        raise NoCheckpointError(
            f"{name} is not a folder. Give the folder of a checkpoint, or a Hub id."
        )
    commit = find_commit(name, revision)
    folder = (cached_checkpoint if is_offline() else download_checkpoint)(name, commit)
    remember(name, revision, commit)
    return Source(folder, model_id or name, revision or "main", commit)
