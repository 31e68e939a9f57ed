"""Single files from repositories on the Hub, at a commit that is fixed first.

Knows the Hub's client and its failures; knows nothing of what the files hold.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hubmaxact.errors import CorpusError

RepoType = Literal["dataset", "model"]
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A repository at one commit."""

    repo_id: str
    repo_type: RepoType
    commit: str  # 40 hex digits
    files: tuple[str, ...]


def resolve(repo_id: str, repo_type: RepoType, revision: str | None) -> Snapshot:
    """Fix the commit a revision points to, and list its files.

    Raises:
        CorpusError: the Hub refuses, cannot be reached, or has no such repository or revision.
    """
    from huggingface_hub import HfApi

    from hubmaxact.hub import session

    session.bound()
    api = HfApi(library_name="hubmaxact")
    ask = api.dataset_info if repo_type == "dataset" else api.model_info
    with _explained(repo_id, revision):
        info = ask(repo_id, revision=revision, timeout=TIMEOUT_S)
    if not info.sha:
        raise CorpusError(f"the Hub names no commit for {repo_id}; give one after the @.")
    files = tuple(sorted(sibling.rfilename for sibling in info.siblings or ()))
    return Snapshot(repo_id=repo_id, repo_type=repo_type, commit=info.sha, files=files)


def download(snapshot: Snapshot, file: str) -> Path:
    """Return a file of the snapshot, from the local cache when it is there.

    Raises:
        CorpusError: the Hub refuses, cannot be reached, or has no such file.
    """
    from huggingface_hub import hf_hub_download

    from hubmaxact.hub import session

    session.bound()
    with _explained(snapshot.repo_id, snapshot.commit):
        path = hf_hub_download(
            snapshot.repo_id,
            file,
            repo_type=snapshot.repo_type,
            revision=snapshot.commit,
            library_name="hubmaxact",
        )
    return Path(path)


def only_file(snapshot: Snapshot, suffixes: Sequence[str]) -> str:
    """Return the one file with such a suffix.

    Raises:
        CorpusError: there is none, or more than one.
    """
    found = [file for file in snapshot.files if file.endswith(tuple(suffixes))]
    if len(found) == 1:
        return found[0]
    kinds = " or ".join(suffixes)
    if not found:
        raise CorpusError(f"{snapshot.repo_id} holds no {kinds} file; choose another data set.")
    listed = ", ".join(file[:80] for file in found[:5])
    raise CorpusError(
        f"{snapshot.repo_id} holds {len(found)} {kinds} files ({listed}); "
        "name one after the repository."
    )


@contextmanager
def _explained(repo_id: str, revision: str | None) -> Iterator[None]:
    """Turn the client's errors into one sentence each."""
    from huggingface_hub import errors

    # The client's HTTP library changed its name between 1.x and 2.x; this export did not.
    from huggingface_hub.utils import httpx

    at = f"{repo_id} at {revision}" if revision else repo_id
    try:
        yield
    except errors.GatedRepoError as error:
        raise CorpusError(f"{repo_id} is gated; accept its terms on the Hub and log in.") from error
    except errors.RepositoryNotFoundError as error:
        raise CorpusError(
            f"the Hub has no {repo_id}, or you may not see it; check the name, or log in."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise CorpusError(f"the Hub has no {at}; check the revision.") from error
    except errors.EntryNotFoundError as error:
        raise CorpusError(f"a file of {at} is not there; check its name.") from error
    except errors.HFValidationError as error:
        raise CorpusError(f"{repo_id[:100]!r} is not a repository name: {error}") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        raise CorpusError(f"the Hub answered {status} for {at}; try again later.") from error
    except (httpx.HTTPError, OSError) as error:
        raise CorpusError(
            f"the Hub cannot be reached for {at} ({type(error).__name__}); check the network."
        ) from error
