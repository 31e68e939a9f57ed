"""Building the catalog: read every source, put the rows into one table, replace the old index.

Nothing a report holds can stop a build; a report that cannot be read is left out with a reason.
What was read is kept at once, so that the build after a killed one goes on where that one ended.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hubmaxact import __version__
from hubmaxact.catalog import parquet
from hubmaxact.catalog.journal import Journal
from hubmaxact.catalog.manifest import SCHEMA, BuiltFrom, Counts, IndexFile, Left, Manifest
from hubmaxact.catalog.outcome import Previous, SourceOutcome
from hubmaxact.catalog.row import PAPER, Row
from hubmaxact.catalog.sources import folder, hub, paper
from hubmaxact.catalog.sources.hub_calls import CircuitBreaker
from hubmaxact.catalog.sources.hub_listing import Listing, capped, list_repos
from hubmaxact.catalog.sources.hub_missing import Missing, look_for
from hubmaxact.catalog.store import INDEX, locked, refuse_foreign, replace_index
from hubmaxact.catalog.trust import settle
from hubmaxact.errors import HubError
from hubmaxact.printable import printable


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did: its manifest, and how many sources were as the earlier build left them.

    `is_cut`: the Hub's listing ended before it should, so there may be more than could be read.
    """

    manifest: Manifest
    unchanged: int
    is_cut: bool = False


class Watcher:
    """Is told how far a build has come; this one says nothing."""

    total = 0

    def begin(self, total: int) -> None:
        """So many sources will be read."""
        self.total = total

    def step(self) -> None:
        """One more was read."""


def build_from_folder(
    source: Path, output: Path, *, with_paper: bool = True, watcher: Watcher | None = None
) -> Built:
    """Index the reports below a folder.

    Args:
        source: Folder; every `*.json` below it is taken for a report.
        output: The catalog's folder, made if need be. Rows that the same version built there
            earlier stay where the source has not changed.
        with_paper: Whether the paper's checkpoints are rows too.
        watcher: Hears of each file. None: nobody does.

    Returns:
        The manifest that was written, and how many files were as the earlier build left them.

    Raises:
        NoFolderError: There is no such folder.
        ForeignCatalogError: The output holds somebody else's files under the catalog's names.
        BusyFolderError: Another build is writing there, or the output cannot be a folder.
        WriteError: The output cannot be written; what was there is intact.
    """
    parquet.arrow()
    watcher = watcher or Watcher()
    with locked(output), _journal(output, "folder") as journal:
        previous = Previous.read(output, "folder").with_more(journal.found)
        files = folder.report_files(source, output)
        watcher.begin(len(files))
        found = []
        for path in files:
            found.append(folder.read_file(path, source, previous))
            if not found[-1].unchanged:
                journal.add(found[-1])
            watcher.step()
        return _publish(output, found, BuiltFrom(kind="folder", tag=None), {}, with_paper)


def build_from_hub(
    tag: str,
    output: Path,
    *,
    per_namespace: int,
    with_paper: bool = True,
    watcher: Watcher | None = None,
) -> Built:
    """Index the reports of the Hub's public model repositories with a tag.

    Args:
        tag: Tag of the repositories.
        output: As in `build_from_folder`.
        per_namespace: Repositories of one owner at most; of more, the oldest are read.
        with_paper: Whether the paper's checkpoints are rows too.
        watcher: Hears of each repository. None: nobody does.

    Returns:
        The manifest that was written, and how many repositories were as the earlier build left
        them.

    Raises:
        HubError: The repositories cannot be listed; what was there is intact.
        ForeignCatalogError: As in `build_from_folder`.
        BusyFolderError: As in `build_from_folder`.
        WriteError: The output cannot be written; what was there is intact.
    """
    parquet.arrow()
    watcher = watcher or Watcher()
    with locked(output), _journal(output, "hub") as journal:
        previous = Previous.read(output, "hub").with_more(journal.found)
        listing = list_repos(tag)
        _refuse_unknown_tag(listing, previous, tag)
        breaker = CircuitBreaker()
        missing = _missing(listing, previous, tag, breaker, watcher)
        named = {repo.repo_id: repo for repo in missing.there} | listing.repos
        repos, over_cap = capped(named.values(), per_namespace)
        watcher.begin(len(repos))
        found = [*missing.unsure]
        for each in hub.read_all(repos, previous, breaker, journal.add):
            found.append(each)
            watcher.step()
        built = _publish(output, found, BuiltFrom(kind="hub", tag=tag), over_cap, with_paper)
        return replace(built, is_cut=listing.is_cut)


@contextmanager
def _journal(output: Path, kind: str) -> Iterator[Journal]:
    refuse_foreign(output)
    with Journal(output, kind) as journal:
        yield journal


def _refuse_unknown_tag(listing: Listing, previous: Previous, tag: str) -> None:
    """A tag that nobody has is a slip of the pen more likely than the end of a catalog."""
    if previous.found and not listing.repos and previous.tag not in {tag, None}:
        raise HubError(
            f"the Hub lists no repository with the tag {printable(tag)}, and the catalog there "
            f"holds {len(previous.found):,} with another one. Nothing was changed; check the tag."
        )


def _missing(
    listing: Listing, previous: Previous, tag: str, breaker: CircuitBreaker, watcher: Watcher
) -> Missing:
    """Repositories of the last build that the listing lacks; another tag lists other ones."""
    is_same = previous.tag in {tag, None}
    names = sorted(previous.with_rows - listing.repos.keys()) if is_same else []
    if names:
        watcher.begin(len(names))
    return look_for(names, tag, previous, breaker, watcher.step)


def _publish(
    output: Path,
    found: list[SourceOutcome],
    built_from: BuiltFrom,
    over_cap: dict[str, int],
    with_paper: bool,
) -> Built:
    rows = [each.row for each in found if each.row is not None]
    settle(rows)
    rows += paper.rows() if with_paper else []
    rows.sort(key=lambda row: row["key"])
    content = parquet.encode(rows)
    index = IndexFile(
        file=INDEX, sha256=hashlib.sha256(content).hexdigest(), size=len(content), rows=len(rows)
    )
    manifest = Manifest(
        schema=SCHEMA,
        built_by=__version__,
        built_from=built_from,
        index=index,
        counts=_counts(rows, found),
        quarantine=_left(found, "quarantine"),
        newer=_left(found, "newer"),
        kept=_left(found, "kept"),
        unread=_left(found, "unread"),
        over_cap=over_cap,
        sources={each.name: each.state for each in found if each.state},
    )
    replace_index(output, content, manifest)
    return Built(manifest, sum(each.unchanged for each in found))


def _counts(rows: Iterable[Row], found: Iterable[SourceOutcome]) -> Counts:
    sources = Counter(row["source"] for row in rows)
    trust = Counter(row["trust"] for row in rows if row["source"] != PAPER)
    outcomes = Counter(each.outcome for each in found)
    return Counts(
        measured=sources.total() - sources[PAPER],
        reported_by_the_paper=sources[PAPER],
        trust=dict(sorted(trust.items())),
        quarantined=outcomes["quarantine"],
        newer=outcomes["newer"],
        kept=outcomes["kept"],
        unread=outcomes["unread"],
    )


def _left(found: Iterable[SourceOutcome], outcome: str) -> list[Left]:
    return [Left(name=f.name, reason=f.reason) for f in found if f.outcome == outcome]
