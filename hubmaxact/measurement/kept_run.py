"""A run whose state lies in a folder: it goes on from there, and stops when somebody asks it to."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hubmaxact.errors import StoppedError
from hubmaxact.measurement.batch_deal import WHOLE, Share
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.measurement.distributed.group import Alone, Group
from hubmaxact.measurement.facts_json import through_json
from hubmaxact.measurement.passes import Part
from hubmaxact.measurement.run_facts import RunFacts
from hubmaxact.measurement.state.fingerprint import fingerprint
from hubmaxact.measurement.state.merge_kept import merge_kept
from hubmaxact.measurement.state.save_times import SaveTimes
from hubmaxact.measurement.state.state_file import KeptState, write_state
from hubmaxact.measurement.state.state_folder import StateFolder
from hubmaxact.measurement.stopping import StopRequest
from hubmaxact.printable import counted

CALIBRATION = "calibration"
"""Subfolder for a shard that sees the calibration split for its thresholds alone."""

BYTES_PER_SITE = 1 << 19
"""That a site's state has in a file, about: some ten thousand different values, each counted."""

BYTES_PER_CHANNEL_OF_EXPERT = 16
"""Two integers of a sum of squares, which differ from channel to channel."""


def _state_bytes(facts: RunFacts) -> int:
    """How much room a state will take, about; inputs of experts taken as wide as hidden states."""
    of_experts = sum(site.groups or 0 for site in facts.anatomy.sites)
    width = BYTES_PER_CHANNEL_OF_EXPERT * facts.model["hidden_size"]
    return BYTES_PER_SITE * len(facts.anatomy.sites) + of_experts * width


def run_of(facts: RunFacts, fingerprint: str) -> dict[str, Any]:
    """Tell a run from others, as JSON.

    Args:
        facts: The run.
        fingerprint: Of the files that are measured: digests of weights may not be there yet.

    Returns:
        What all processes of one run tell alike.
    """
    return {**through_json(facts), "fingerprint": fingerprint}


class States:
    """The folders that states of a run lie in.

    Args:
        folder: The one that was named. None: nothing is kept here.
        share: Which share of the plan is run.
        group: The processes that run it.
    """

    def __init__(
        self, folder: Path | None = None, share: Share = WHOLE, group: Group | None = None
    ) -> None:
        self._share, self._group = share, group or Alone()
        self._folders: list[StateFolder | None] = []
        if folder is not None:
            self._add(folder, str(share) if share.of > 1 else "")
        if folder is not None and share.index:  # it needs a calibration split that is not its own
            self._add(folder / CALIBRATION, "")
        self._stack = ExitStack()

    def _add(self, folder: Path, share: str) -> None:
        """Only the first process holds a folder: the others are told where in it they save."""
        is_first = self._group.rank == 0
        self._folders.append(StateFolder(folder, share, self._group.size) if is_first else None)

    def __enter__(self) -> Self:
        """Take the folders; others are kept out until the block ends."""
        with ExitStack() as stack:
            for folder in filter(None, self._folders):
                stack.enter_context(folder)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let others in."""
        self._stack.close()

    def keepers(
        self, facts: RunFacts, files: WeightFiles, tell: Callable[[str], None]
    ) -> list["KeptRun"]:
        """Return what keeps the run's state, and that of a calibration split which is not its own.

        Args:
            facts: The run.
            files: What is measured.
            tell: Told why a state could not be saved.

        Returns:
            One keeper for each folder.
        """
        if not self._folders:
            return []
        run = run_of(facts, fingerprint(files))
        shares = [str(self._share) if self._share.of > 1 else "", ""]
        return [
            KeptRun(facts, run, share, self._group, folder, tell)
            for share, folder in zip(shares, self._folders, strict=False)
        ]

    def remove(self) -> None:
        """Remove the states of a run that is over."""
        for folder in filter(None, reversed(self._folders)):
            folder.remove()


class KeptRun:
    """Keeps what is seen of a run; a `passes.Keeper`.

    Args:
        facts: The run.
        run: What `run_of` tells of it.
        share: Which share of the plan is kept, as "I/N"; empty for all of it.
        group: The processes that run it.
        folder: Where states lie. None: another process of the group has it.
        tell: Told why the state could not be saved.
    """

    def __init__(
        self,
        facts: RunFacts,
        run: dict[str, Any],
        share: str,
        group: Group,
        folder: StateFolder | None,
        tell: Callable[[str], None],
    ) -> None:
        self._facts, self._run, self._share, self._folder = facts, run, share, folder
        self._stop, self._is_alone = StopRequest(), group.size == 1
        places = [] if folder is None else [str(folder.place(each)) for each in range(group.size)]
        told = json.loads(group.broadcast(json.dumps(places).encode()))
        self._saves = SaveTimes(partial(write_state, Path(told[group.rank])), tell)
        self._num_before = 0  # batches that are kept already

    def earlier(self) -> Part | None:
        """Return what lies in the folder, merged."""
        assert self._folder is not None
        self._folder.check_room(_state_bytes(self._facts))
        done, total = set[int](), self._facts.recorder()
        found = self._folder.saved(self._run)
        for kept in found:
            merge_kept(total, self._facts.recorder, kept, self._folder.shown)
            done.update(kept.done)
        part = Part(frozenset(done), total.state())
        self._num_before = len(done)
        if len(found) > 1:
            self._folder.put_together(self._kept(part))
        return part if found else None

    def running(self) -> AbstractContextManager[None]:
        """Note who asks to stop, while the block runs."""
        return self._stop.noted()

    def offer(self, make: Callable[[], Part]) -> None:
        """Save if that is due; save and stop if somebody has asked to.

        Args:
            make: Tells what is to be kept.

        Raises:
            StoppedError: Somebody has.
        """
        if self._stop.exit_code is None:
            self._saves.when_due(lambda: self._kept(make()))
            return
        part = make()
        saved = self._saves.now(lambda: self._kept(part))
        kept = f"; {self._told(self._num_before + len(part.done))}" if saved else ""
        raise StoppedError(f"interrupted{kept}", self._stop.exit_code)

    def _told(self, done: int) -> str:
        """How many batches are kept, as far as this process knows."""
        batches = counted(len(self._facts.plan.batches), "batch", "batches")
        others = "" if self._is_alone else ", and what the other processes saved"
        return f"{done} of {batches} are kept{others}"

    def _kept(self, part: Part) -> KeptState:
        return KeptState(self._run, self._share, tuple(sorted(part.done)), part.state)
