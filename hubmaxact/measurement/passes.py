"""The batches of one run through the model, whoever runs which of them: the same bits in the end.

Two phases: INT-8 thresholds follow from the calibration split as a whole, so nobody begins with
other batches before all of it was seen. What several have seen merges on the host.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from hubmaxact.measurement.anatomy.site import Site
from hubmaxact.measurement.batch_deal import WHOLE, Share
from hubmaxact.measurement.batch_plan import Batch, by_split
from hubmaxact.measurement.distributed.group import Group
from hubmaxact.measurement.execution.recorder import Recorder
from hubmaxact.measurement.run_facts import RunFacts
from hubmaxact.measurement.state.state_file import KeptState, decode, encode
from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.measurement.statistics.calibration import Thresholds, calibration_of, thresholds_of
from hubmaxact.measurement.watcher import Watcher


class Fold(Protocol):
    """Runs batches and folds what is seen into a recorder."""

    def __call__(
        self,
        batches: Sequence[Batch],
        recorder: Recorder,
        *,
        ends: bool,
        on_done: Callable[[tuple[Batch, ...]], None],
    ) -> None:
        """Run them.

        Args:
            batches: In this order.
            recorder: Takes all that is seen.
            ends: Whether nothing is folded in afterwards.
            on_done: Called whenever the recorder holds some batches more, and none in part.
        """


@dataclass(frozen=True, slots=True)
class Part:
    """What was seen of some batches."""

    done: frozenset[int]  # their indices
    state: State


class Keeper(Protocol):
    """Where what was seen is kept, so that a run goes on after it was stopped."""

    def earlier(self) -> Part | None:
        """What lies there; None: nothing yet."""

    def running(self) -> AbstractContextManager[None]:
        """Batches run while the block does: whoever stops the run waits for the one that does."""

    def offer(self, make: Callable[[], Part]) -> None:
        """Keep what was seen, if it is time to.

        Args:
            make: Tells what this process has seen since its start.
        """


class NoKeeper:
    """Keeps nothing."""

    def earlier(self) -> None:
        """Return nothing."""

    def running(self) -> AbstractContextManager[None]:
        """Do nothing about it."""
        return nullcontext()

    def offer(self, make: Callable[[], Part]) -> None:
        """Take no notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """How the batches of a run are run here.

    Attributes:
        facts: The run.
        fold: Runs batches.
        group: The processes that take part.
        watcher: Hears of batches.
    """

    facts: RunFacts
    fold: Fold
    group: Group
    watcher: Watcher

    def run(
        self, share: Share = WHOLE, keeper: Keeper | None = None, before: Keeper | None = None
    ) -> Recorder | None:
        """Run a share of the plan.

        All shares need the calibration split for its thresholds; it belongs to the first.

        Args:
            share: Which one.
            keeper: Keeps what is seen of it. None: nobody does.
            before: Keeps what is seen of a calibration split that is no part of the share.

        Returns:
            On rank 0 all that was seen of the share. None: elsewhere.
        """
        calibration, others = by_split(self.facts.plan.batches)
        main = _Phase(self, keeper or NoKeeper())
        first = main if share.index == 0 else _Phase(self, before or NoKeeper())
        early, late = first.own(calibration), main.own(share.take(others))
        if len(early) + len(late) < len(self.facts.plan.batches):
            self.watcher.dealt((*early, *late))
        first.run(early)
        if first is not main or not main.is_alone:
            main.recorder.fix(first.thresholds())
        main.run(late, ends=share.of == 1)
        for way in sorted({*first.recorder.ways, *main.recorder.ways}):
            self.watcher.note(f"Statistics were made {way}.")
        return main.total()


class _Phase:
    """What is seen of some batches here, beside what was seen of them before."""

    def __init__(self, passes: Passes, keeper: Keeper) -> None:
        self._passes, self._keeper = passes, keeper
        self.recorder = passes.facts.recorder()
        earlier = keeper.earlier() if passes.group.rank == 0 else None
        told = json.dumps(sorted(earlier.done if earlier else ()))
        self._before = frozenset(json.loads(passes.group.broadcast(told.encode())))
        self._earlier = [earlier.state] if earlier else []
        self._done = set[int]()

    @property
    def is_alone(self) -> bool:
        """Whether the recorder here sees all."""
        return self._passes.group.size == 1 and not self._before

    def own(self, batches: Iterable[Batch]) -> tuple[Batch, ...]:
        """Those of some batches that nobody has seen and that fall to this process."""
        group = self._passes.group
        left = (batch for batch in batches if batch.index not in self._before)
        return Share(group.rank, group.size).take(left)

    def run(self, batches: Sequence[Batch], *, ends: bool = False) -> None:
        """Run batches; `ends`: none follow."""
        if not batches:
            return
        with self._keeper.running():
            self._passes.fold(
                batches, self.recorder, ends=ends and self.is_alone, on_done=self._note
            )

    def thresholds(self) -> Mapping[Site, Thresholds]:
        """What follows from the calibration split, of which each process has seen a part."""
        if self.is_alone:
            return self.recorder.thresholds()
        mine = calibration_of(self.recorder.state())
        others = self._others(mine)
        told = {} if others is None else thresholds_of(map(calibration_of, chain([mine], others)))
        told = json.loads(self._passes.group.broadcast(json.dumps(told).encode()))
        sites = {site.key: site for site in self._passes.facts.anatomy.sites}
        return {sites[key]: thresholds for key, thresholds in told.items()}

    def total(self) -> Recorder | None:
        """On rank 0 what all have seen, and who was before them; nothing is folded in any more."""
        if self.is_alone:
            return self.recorder
        others = self._others(self.recorder.state())
        if others is None:
            return None
        merge(self._passes.facts, self.recorder, others)
        return self.recorder

    def _others(self, mine: State) -> Iterable[State] | None:
        """On rank 0 what other processes tell, on the host, and all that earlier ones have seen.

        Args:
            mine: What this one tells.
        """
        group = self._passes.group
        told = group.gather(b"" if group.rank == 0 else encode(KeptState({}, "", (), mine)))
        if told is None:
            return None
        others = (decode(content, "a process of the run").tensors for content in told[1:])
        return chain(self._earlier, others)

    def _note(self, batches: tuple[Batch, ...]) -> None:
        self._done.update(batch.index for batch in batches)
        for batch in batches:
            self._passes.watcher.batch_done(batch)
        self._keeper.offer(self._part)

    def _part(self) -> Part:
        """What was seen here since the start."""
        return Part(frozenset(self._done), self.recorder.state())


def merge(facts: RunFacts, total: Recorder, states: Iterable[State]) -> None:
    """Fold in what others have seen of a run.

    Args:
        facts: The run.
        total: Has seen other batches of it.
        states: Of recorders that have seen others again, on the host.

    Raises:
        ValueError: A state is of another run.
        LookupError: Likewise.
    """
    for state in states:
        part = facts.recorder()
        part.load(state)
        total.merge(part)
