"""A run that is killed again and again goes on, and ends in the bytes of one that nobody killed."""

import errno
import random
import re

import pytest
from command import DENSE

from faults.disk import KILLED, files_in
from faults.elsewhere import taken_from_elsewhere
from hubmaxact.measurement.state.state_file import read_about

MANY_BATCHES = (
    *("--max-seq-len", "24", "--batch-tokens", "24", "--cpu-threads", "1"),
    *("--calibration-samples", "6", "--evaluation-samples", "6", "--num-samples"),
)
ALL_FILES = (
    *("--num-samples", "6", "--max-seq-len", "24", "--batch-tokens", "24", "--cpu-threads", "1"),
    *("--calibration-samples", "2", "--evaluation-samples", "2", "--profile", "deployment"),
)
MOST_CALLS = 80  # that a start makes until it has saved once


class Run:
    """One measurement, tried until it comes to its end."""

    def __init__(self, server, folder, options):
        self.server, self.folder, self.options = server, folder, options
        self.state, self.report = folder / "state", folder / "reports" / "report.json"
        self.report.parent.mkdir(parents=True)

    def go_on(self, *more, **how):
        words = ("measure", DENSE, *self.options, "--output", self.report, *more)
        return self.server.run("command", *words, under=self.folder, **how)

    def kept(self, **how):
        """Start with a state."""
        return self.go_on("--state-dir", self.state, **how)

    @property
    def done(self):
        """Batches that are kept."""
        files = self.state.glob("state-*.safetensors")
        return {index for file in files for index in read_about(file).done}


def undisturbed(server, folder, options):
    """The files of a run without a state."""
    run = Run(server, folder, options)
    done = run.go_on()
    assert done.code == 0, done.said
    return files_in(folder)


@pytest.mark.parametrize(
    ("num_kills", "num_samples"), [(4, 16), pytest.param(20, 48, marks=pytest.mark.nightly)]
)
def test_kills_cost_nothing_that_was_kept(server, tmp_path, num_kills, num_samples):
    """Half of the kills are at a call that writes, half at any moment after a save."""
    options = (*MANY_BATCHES, num_samples)
    run = Run(server, tmp_path / "killed", options)
    chance = random.Random(20261127)
    kept, forward = set(), 0
    for number in range(num_kills):
        later = {"after": [str(run.state), chance.uniform(0, 0.15)]}
        moment = later if number % 2 else {"at": chance.randint(1, MOST_CALLS)}
        ended = run.kept(**moment)
        assert ended.code == KILLED, (number, moment, ended.said)
        assert run.done >= kept, (number, moment)
        forward += run.done > kept
        kept = run.done
    assert forward > num_kills / 4
    assert run.kept().code == 0
    assert files_in(run.folder) == undisturbed(server, tmp_path / "undisturbed", options)


def one_of_each(calls):
    """Calls and their numbers; of many writes of one file the first, some within, and the last."""
    for number, call in enumerate(calls, 1):
        if number % 40 == 0 or call != calls[number - 2] or call not in calls[number:]:
            yield number, call


@pytest.mark.nightly
def test_whichever_call_fails_with_a_state_nothing_is_lost(server, tmp_path):
    """The next start ends in the same bytes, and leaves no more than they are."""
    run = Run(server, tmp_path / "failing", ALL_FILES)
    expected = undisturbed(server, tmp_path / "undisturbed", ALL_FILES)
    calls = run.kept().calls
    assert files_in(run.folder) == expected
    for number, call in one_of_each(calls):
        for fault in (errno.ENOSPC, errno.EIO, 0):
            for name in expected:
                if (path := run.folder / name).is_file():
                    path.unlink()
            ended = run.kept(at=number, fault=fault)
            where = (number, call, fault, ended.said)
            assert "Traceback" not in ended.said, where
            if len(ended.calls) < number:  # how often a run saves depends on its speed
                assert ended.code == 0, where
            elif fault == 0:
                assert ended.code == KILLED, where
            elif ended.code:
                assert ended.code == 2, where
                assert re.search(r"^hubmaxact: [^\n]+$", ended.said, re.MULTILINE), where
            if ended.code:
                again = run.kept()
                assert again.code == 0, (where, again.said)
            elsewhere = taken_from_elsewhere(ended.said)
            assert elsewhere in (None, files_in(run.report.parent)), where
            left = files_in(run.folder)
            # A start that was killed just when it had made the folder has told nobody that it did.
            assert left in ({**expected, "state": None}, expected), where
            if run.state.exists():
                run.state.rmdir()
