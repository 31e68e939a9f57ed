"""A repository as far as the cache on this machine holds it, where the Hub may not be asked."""

from hubmaxact.errors import HubError, HubmaxactError
from hubmaxact.hub.cache import absent_file, cached_folder
from hubmaxact.recognition.folder import Folder


class Cached(Folder):
    """The files of a model repository at a commit that are in the cache; others may be lacking.

    Args:
        repo_id: Model repository ("owner/name").
        commit: 40 hexadecimal digits.

    Attributes:
        commit: As it was given.

    Raises:
        NoCheckpointError: The folder in the cache may not be read.
    """

    commit: str

    def __init__(self, repo_id: str, commit: str) -> None:
        super().__init__(cached_folder(repo_id, commit), repo_id)
        self.commit = commit
        self.caveat = (
            " (HF_HUB_OFFLINE is set: only what the Hub's cache on this machine holds was looked "
            "at.)"
        )

    def lacking(self, path: str, refusal: HubmaxactError) -> HubmaxactError:  # noqa: ARG002
        """Return that the cache lacks a file, whatever the repository holds."""
        return HubError(absent_file(self.name, self.commit, path))
