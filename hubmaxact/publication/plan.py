"""What a push would change: the files as they should be, against one commit of the repository.

Only reads. The same plan is shown by a dry run and sent by a push, so the two cannot differ.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from hubmaxact.errors import HubError, ReadmeError
from hubmaxact.hub import repository
from hubmaxact.hub.hub_file import HubFile
from hubmaxact.hub.sign_in import sign_in
from hubmaxact.publication import pull_request, weights
from hubmaxact.publication.pull_request import PullRequest
from hubmaxact.publication.readme import splicing
from hubmaxact.recognition.weights import left_aside
from hubmaxact.rendering import section
from hubmaxact.rendering.picture.pictures import PICTURES, pictures
from hubmaxact.report.deployment import SIDECARS, Sidecar, SidecarName
from hubmaxact.report.document import REPORT_NAME, Report
from hubmaxact.sidecars.own_folder import folder_of

README = "README.md"
WAYS_OUT = "Or push the report alone with --json-only."
FOLDER = folder_of(PurePosixPath(REPORT_NAME))
PATHS = frozenset(
    {
        REPORT_NAME,
        README,
        *(picture.path for picture in PICTURES),
        *(str(FOLDER / name) for name in SIDECARS),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """What is to be published, and where; `content` is the report's file as it is.

    `sidecars` are the contents, by file name, of those that it names and that lie beside it.
    """

    content: bytes
    report: Report
    repo_id: str
    sidecars: Mapping[SidecarName, bytes] = field(default_factory=dict)
    branch: str = "main"
    as_pull_request: bool = False
    json_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The files that differ from `parent`, and where a commit of them goes.

    `pull_request` is the open one that the commit would go to; None with `opens_pull_request`
    asks for a new one.
    """

    revision: str
    parent: str
    changes: dict[str, bytes]
    opens_pull_request: bool = False
    pull_request: PullRequest | None = None
    advice: tuple[str, ...] = ()


def prepare(push: Push) -> Plan:
    """Read the repository and work out what to change.

    Args:
        push: What is to be published, and where.

    Returns:
        The files that differ, and where a commit of them goes.

    Raises:
        DigestMismatchError: The repository holds other weights than the report speaks of.
        ReadmeError: The README cannot be edited without risk.
        HubError: The repository cannot be read, or this report was declined there.
    """
    sign_in(push.repo_id)
    head = repository.resolve_commit(push.repo_id, push.branch)
    files = repository.list_files(push.repo_id, head)
    stored = weights.StoredWeights(push.repo_id, head, files)
    beside = weights.compare(push.report["model"]["weight_files"], stored)
    plan = _plan(push, push.branch, head, files)
    if push.as_pull_request and plan.changes:
        plan = _for_pull_request(push, plan)
    words = left_aside(push.repo_id, beside)
    return replace(plan, advice=(*plan.advice, words)) if words else plan


def _for_pull_request(push: Push, plan: Plan) -> Plan:
    ours = pull_request.find(push.repo_id, push.branch, PATHS)
    if ours.open is None:
        if ours.declined:
            _respect(push, ours.declined)
        return replace(plan, opens_pull_request=True)
    revision = ours.open.revision
    head = repository.resolve_commit(push.repo_id, revision)
    files = repository.list_files(push.repo_id, head)
    return _plan(push, revision, head, files, ours.open)


def _respect(push: Push, declined: PullRequest) -> None:
    """Refuse to offer again what was closed without merging; a new report may be offered."""
    offered = repository.files_at(push.repo_id, declined.revision, [REPORT_NAME]) or {}
    if REPORT_NAME in offered and offered[REPORT_NAME].holds(push.content):
        raise HubError(
            f"this report was offered before and its pull request closed without merging: "
            f"{declined.url(push.repo_id)}. Reopen it there if that is welcome."
        )


def _plan(
    push: Push,
    revision: str,
    head: str,
    files: dict[str, HubFile],
    open_one: PullRequest | None = None,
) -> Plan:
    wanted, advice = _wanted(push, head, files)
    changes = {
        path: content
        for path, content in wanted.items()
        if path not in files or not files[path].holds(content)
    }
    return Plan(
        revision=revision,
        parent=head,
        changes=changes,
        pull_request=open_one,
        advice=(*advice, *_other_name(push), *_left_behind(push, files)),
    )


def _wanted(
    push: Push, head: str, files: dict[str, HubFile]
) -> tuple[dict[str, bytes], tuple[str, ...]]:
    wanted = {REPORT_NAME: push.content}
    wanted |= {str(FOLDER / name): content for name, content in push.sidecars.items()}
    if push.json_only:
        return wanted, ()
    card = _read_readme(push.repo_id, head, files)
    # The section names the digest of the very bytes that go with it.
    body = section.compose(push.report, hashlib.sha256(push.content).hexdigest())
    edit = _edit(push.repo_id, card, body)
    wanted[README] = edit.content
    wanted |= {each.path: each.svg(push.report).encode() for each in pictures(push.report)}
    return wanted, edit.advice


def _edit(repo_id: str, card: bytes | None, body: str) -> splicing.Edit:
    try:
        return splicing.edit(card, body)
    except ReadmeError as error:
        raise ReadmeError(f"in {repo_id}, {error} {WAYS_OUT}") from error


def _read_readme(repo_id: str, head: str, files: dict[str, HubFile]) -> bytes | None:
    """The README at `head`, checked to be the very bytes that the tree names."""
    if README not in files:
        if other := next((path for path in files if path.lower() == README.lower()), None):
            raise ReadmeError(
                f"{repo_id} has a {other} where the Hub reads {README}. Rename it there. {WAYS_OUT}"
            )
        return None
    file = files[README]
    if file.sha256 is not None or file.size > splicing.MAX_README_BYTES:
        raise ReadmeError(
            f"the README of {repo_id} is in LFS or too large to edit. Shorten it there. {WAYS_OUT}"
        )
    content = repository.read_file(repo_id, head, README, limit=splicing.MAX_README_BYTES)
    if content is None or not file.holds(content):
        raise HubError(f"the README of {repo_id} could not be read whole. Try again later.")
    return content


def _other_name(push: Push) -> tuple[str, ...]:
    named = push.report["model"]["id"]
    if named is None or named == push.repo_id:
        return ()
    return (f"The report names {named}; the weights in {push.repo_id} are the same.",)


def _left_behind(push: Push, files: dict[str, HubFile]) -> tuple[str, ...]:
    """Advice where the report names files that are neither pushed nor there already."""
    rows = push.report.get("sidecars", ())
    lost = [
        row["name"]
        for row in rows
        if row["name"] not in push.sidecars and not _is_there(row, files)
    ]
    if not lost:
        return ()
    names = " and ".join(lost)
    return (f"The report names {names}, not found beside it: exports per channel need the folder.",)


def _is_there(row: Sidecar, files: dict[str, HubFile]) -> bool:
    file = files.get(str(FOLDER / row["name"]))
    return file is not None and file.sha256 == row["sha256"]
