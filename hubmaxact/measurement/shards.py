"""Shards of a run: each a file of what one machine saw, all of which merge into the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hubmaxact.measurement.assembly.report import Measured, assemble
from hubmaxact.measurement.batch_deal import Share
from hubmaxact.measurement.batch_plan import by_split
from hubmaxact.measurement.execution.forward import Measurement
from hubmaxact.measurement.facts_json import of_json, through_json
from hubmaxact.measurement.prepare import require
from hubmaxact.measurement.run_facts import RunFacts
from hubmaxact.measurement.run_plan import Ran
from hubmaxact.measurement.state.differences import differences, told
from hubmaxact.measurement.state.merge_kept import merge_kept
from hubmaxact.measurement.state.state_file import (
    KeptState,
    StateError,
    read_about,
    read_state,
    write_state,
)
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.printable import LONGEST_PATH, counted, printable

MOST_NAMED = 10  # of missing shards


@dataclass(frozen=True, slots=True)
class Shard:
    """What was seen of one share of a run, and which run that is.

    Attributes:
        share: Which share.
        kept: All of it.
    """

    share: Share
    kept: KeptState

    def write(self, path: Path) -> None:
        """Write it to a file, all or nothing.

        Args:
            path: The file.

        Raises:
            WriteError: It cannot be written; what was there before is still there.
        """
        write_state(path, self.kept)


def shard_of(ran: Ran, share: Share) -> Shard:
    """Make a shard of what was seen.

    Args:
        ran: A share of a run.
        share: Which one.

    Returns:
        The shard.
    """
    done = _batches(ran.facts, share)
    kept = KeptState(through_json(ran.facts), str(share), done, ran.recorder.state())
    return Shard(share, kept)


def merge_shards(paths: Sequence[Path], watcher: Watcher) -> Measured:
    """Merge the shards of a run into its report, whatever their order.

    Args:
        paths: Files that `--shard` wrote, all of one run.
        watcher: Hears of each.

    Returns:
        The report, and the files that lie beside it: those of one undisturbed process.

    Raises:
        StateError: A file is none, or damaged, or of another run; one is there twice or missing.
        CoverageError: An expected tensor was never seen.
    """
    shares = _shares(paths)
    ordered = [path for _, path in sorted((share.index, path) for path, share in shares.items())]
    facts = _facts(ordered[0])
    total = facts.recorder()
    for path in ordered:
        watcher.stage(f"Merging {_shown(path)}")
        merge_kept(total, facts.recorder, read_state(path), _shown(path))
    missing = Measurement(facts.anatomy, facts.plan, total).missing
    require(missing, allow_partial=facts.allow_partial)
    watcher.stage("Assembling the report")
    return assemble(facts, total)


def _shares(paths: Sequence[Path]) -> dict[Path, Share]:
    """Which share each file is of, if they are all shares of one run, each once."""
    found = dict[Path, Share]()
    first = read_about(paths[0])
    for path in paths:
        about = read_about(path)
        if not about.share:
            raise StateError(
                f"{_shown(path)} is the state of a whole run, and no shard. The run goes on from "
                "it with the command that wrote it."
            )
        share = Share.parse(about.share)
        if differ := differences(first.run, about.run):
            raise StateError(
                f"{_shown(paths[0])} and {_shown(path)} are shards of different runs: "
                f"{told(differ)}. Merge shards of one run."
            )
        if about.done != _batches(_facts(path), share):
            raise StateError(
                f"{_shown(path)} does not hold all batches of share {share}. Run it again."
            )
        found[path] = share
    _refuse_gaps(found)
    return found


def _refuse_gaps(shares: Mapping[Path, Share]) -> None:
    """Refuse shards of other numbers of shards, one that is there twice, and missing ones."""
    by_index = dict[int, Path]()
    (first, one), *others = shares.items()
    for path, share in others:
        if share.of != one.of:
            raise StateError(
                f"{_shown(first)} is share {one} and {_shown(path)} is share {share}: batches are "
                "dealt differently. Merge shards of one deal."
            )
    for path, share in shares.items():
        if share.index in by_index:
            raise StateError(
                f"{_shown(by_index[share.index])} and {_shown(path)} are both share {share}. "
                "Leave one out."
            )
        by_index[share.index] = path
    missing = [str(Share(index, one.of)) for index in range(one.of) if index not in by_index]
    if missing:
        named = ", ".join(missing[:MOST_NAMED]) + (" ..." if len(missing) > MOST_NAMED else "")
        raise StateError(
            f"{counted(len(missing), 'shard')} of {one.of} missing: {named}. Name all of them."
        )


def _facts(path: Path) -> RunFacts:
    try:
        return of_json(read_about(path).run)
    except (ValueError, TypeError, LookupError) as error:
        raise StateError(
            f"{_shown(path)} tells of no run that this hubmaxact knows. Use the hubmaxact that "
            "wrote it."
        ) from error


def _batches(facts: RunFacts, share: Share) -> tuple[int, ...]:
    """Indices of a share's batches, in their order; the calibration split is the first one's."""
    calibration, others = by_split(facts.plan.batches)
    own = (*(calibration if share.index == 0 else ()), *share.take(others))
    return tuple(sorted(batch.index for batch in own))


def _shown(path: Path) -> str:
    return printable(str(path), LONGEST_PATH)
