"""One repository on the Hub: its report at the listed commit, held against its weights there."""

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from hubmaxact.catalog.manifest import State
from hubmaxact.catalog.outcome import Previous, SourceOutcome, in_table, left_out, read_report
from hubmaxact.catalog.sources.hub_calls import is_for_now, is_the_hubs
from hubmaxact.catalog.sources.hub_listing import Listed
from hubmaxact.catalog.trust import judge
from hubmaxact.errors import HubError, ReportError
from hubmaxact.hub.client import api
from hubmaxact.hub.hub_file import HubFile, checked_file
from hubmaxact.hub.repository import DamagedAnswerError, check_repo_id, read_listed
from hubmaxact.hub.retry import ask
from hubmaxact.publication.weights import MAX_REGULAR_WEIGHT_BYTES, StoredWeights
from hubmaxact.recognition.weights import INDEX, SUFFIX
from hubmaxact.report.document import MAX_REPORT_BYTES, REPORT_NAME
from hubmaxact.report.model_block import Model

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

    from hubmaxact.catalog.row import Row

MOST_PLAIN_WEIGHTS = 8
"""Weight files outside LFS that are read for their digest; no real release has one."""


def read_repository(listed: Listed, previous: Previous) -> SourceOutcome:
    """Return the row of a repository, or why it has none.

    At most two requests, if all is well; three where weights lie beside those of the report.

    Args:
        listed: The repository, at the commit that is read.
        previous: What an earlier build found; an unchanged repository is not read again.

    Returns:
        The row with its trust, or the reason why there is none.

    Raises:
        HubError: The Hub refused, or gave no usable answer.
    """
    if before := previous.same(listed.repo_id, commit=listed.commit):
        return _at(before, listed)
    files = _files(listed)
    state = State(commit=listed.commit, files=_digest(files))
    report = files.get(REPORT_NAME)
    if report is None:
        return left_out(listed.repo_id, f"has no {REPORT_NAME}", state)
    if report.size > MAX_REPORT_BYTES:
        reason = f"larger than {MAX_REPORT_BYTES:,} bytes; a report is far smaller"
        return left_out(listed.repo_id, reason, state)
    if before := previous.same(listed.repo_id, files=state["files"]):
        return _at(before, listed)
    return _read(listed, files, state)


def _read(listed: Listed, files: dict[str, HubFile], state: State) -> SourceOutcome:
    name, commit = listed.repo_id, listed.commit
    content = read_listed(name, commit, files[REPORT_NAME], limit=MAX_REPORT_BYTES)
    try:
        report, row = read_report(content, key=name, name=name)
    except ReportError as error:
        return left_out(name, error, state)
    model = report["model"]
    if _is_old_name(model["id"], name):
        model["id"] = name
    verdict = judge(model, _stored(listed, files, model), repo_id=name)
    own = {
        "trust": verdict.trust,
        "trust_detail": verdict.detail,
        "copied_from": verdict.copied_from,
    }
    found = in_table(name, cast("Row", {**row, **own}), cast("State", {**state, **own}))
    return _at(found, listed)


def _is_old_name(claimed: str | None, name: str) -> bool:
    """Whether a repository was called so before: the Hub leads from its old name to the new one."""
    if claimed is None or claimed.casefold() == name.casefold():
        return False
    try:
        check_repo_id(claimed)
    except HubError:
        return False
    try:
        today = ask(lambda: _name_today(claimed), repo_id=claimed)
    except HubError as error:
        if is_for_now(error) or not is_the_hubs(error):
            raise
        return False
    return today == name.casefold()


def _name_today(repo_id: str) -> str:
    name: str = api().model_info(repo_id, expand=["sha"]).id
    return name.casefold()


def _at(found: SourceOutcome, listed: Listed) -> SourceOutcome:
    """The same report as it lies at the listed commit."""
    state = cast("State", {**found.state, "commit": listed.commit})
    if found.row is None:
        return replace(found, state=state)
    place = {
        "repo_id": listed.repo_id,
        "commit": listed.commit,
        "last_modified": listed.last_modified,
    }
    return replace(found, state=state, row=cast("Row", {**found.row, **place}))


def _files(listed: Listed) -> dict[str, HubFile]:
    """The report, the weight files and their index at the listed commit; one bounded request."""
    files = ask(lambda: _listed_files(listed), repo_id=listed.repo_id, revision=listed.commit)
    return {
        path: file
        for path, file in files.items()
        if path == REPORT_NAME or path.endswith((SUFFIX, INDEX))
    }


def _listed_files(listed: Listed) -> dict[str, HubFile]:
    """Every file; there are some, for the tag that the repository is listed by stands in one."""
    info = api().model_info(listed.repo_id, revision=listed.commit, files_metadata=True)
    if not info.siblings or info.sha != listed.commit:
        raise DamagedAnswerError("what the Hub lists of it arrived damaged. Try again later.")
    return {file.rfilename: _hub_file(file) for file in info.siblings}


def _hub_file(file: "RepoSibling") -> HubFile:
    sha256 = file.lfs.sha256 if file.lfs else None
    size, blob_id = file.size or 0, file.blob_id or ""
    return checked_file(file.rfilename, size, blob_id, sha256)


def _stored(listed: Listed, files: dict[str, HubFile], model: Model) -> StoredWeights | None:
    """The weight files; None when comparing them with the report's would cost too much."""
    stored = StoredWeights(listed.repo_id, listed.commit, files)
    measured = {file["path"] for file in model["weight_files"]} & stored.paths
    plain = [files[path] for path in measured if files[path].sha256 is None]
    too_large = any(file.size > MAX_REGULAR_WEIGHT_BYTES for file in plain)
    return None if too_large or len(plain) > MOST_PLAIN_WEIGHTS else stored


def _digest(files: dict[str, HubFile]) -> str:
    lines = [f"{f.path} {f.size} {f.blob_id} {f.sha256}" for _, f in sorted(files.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
