"""From what the user named to a checkpoint folder: local, or downloaded at a commit."""

from dataclasses import dataclass
from pathlib import Path

from hubmaxact.errors import HubmaxactError


@dataclass(frozen=True, slots=True)
class Source:
    """A checkpoint folder and where it came from."""

    folder: Path
    model_id: str | None = None
    revision: str | None = None
    commit: str | None = None


def resolve_source(
    checkpoint: str, *, revision: str | None = None, model_id: str | None = None
) -> Source:
    """A local folder as it is, or a Hub id, resolved to a commit before anything else.

    Raises:
        HubmaxactError: neither a folder nor a repository that can be read.
    """
    from hubmaxact.hub.repository import check_repo_id, resolve_commit
    from hubmaxact.measurement.checkpoint.download import download_checkpoint

    if model_id is not None:
        check_repo_id(model_id)
    path = Path(checkpoint)
    if path.is_dir():
        if revision is not None:
            raise HubmaxactError(
                f"{checkpoint} is a local folder, which has no revisions. Leave --revision out."
            )
        return Source(path, model_id=model_id)
    if path.exists() or checkpoint.startswith((".", "/", "~")):
        raise HubmaxactError(
            f"{checkpoint} is not a folder. Give the folder of a checkpoint, or a Hub id."
        )
    commit = resolve_commit(checkpoint, revision)
    folder = download_checkpoint(checkpoint, commit)
    return Source(folder, model_id or checkpoint, revision or "main", commit)
