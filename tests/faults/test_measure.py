"""A whole measurement on a disk that fails: told in one line, and nothing measured is lost."""

import errno
import re

import pytest
from command import DENSE

from faults.disk import KILLED, faults_of, files_in, put_back
from faults.elsewhere import taken_from_elsewhere

QUICK = ("--num-samples", "4", "--max-seq-len", "16", "--profile", "deployment")
ONE_THREAD = ("--cpu-threads", "1")


@pytest.fixture
def runs(server, tmp_path):
    """Runs of `measure`, and what one that nothing disturbs makes and calls."""
    return Runs(server, tmp_path / "place")


class Runs:
    def __init__(self, server, place):
        self.server, self.place = server, place
        place.mkdir()
        self.undisturbed = self.measure()
        self.new = files_in(place)
        assert self.undisturbed.code == 0, self.undisturbed.said
        assert "report/channels.safetensors" in self.new

    def measure(self, **fault):
        put_back(self.place, {})
        words = ("measure", DENSE, *QUICK, *ONE_THREAD, "--output", self.place / "report.json")
        return self.server.run("command", *words, under=self.place, **fault)

    def check(self, number, fault):
        """A run that fails there leaves nothing half, and says where the report is."""
        ended = self.measure(at=number, fault=fault)
        where = (number, self.undisturbed.calls[number - 1], fault, ended.said)
        assert "Traceback" not in ended.said, where
        if ended.code == 0:
            assert files_in(self.place) == self.new, where
        elif fault == 0:
            assert ended.code == KILLED, where
            named = {n: c for n, c in files_in(self.place).items() if ".hubmaxact-" not in n}
            assert named.items() <= self.new.items(), where
        else:
            assert (ended.code, files_in(self.place)) == (2, {}), where
            assert re.search("^hubmaxact: cannot ", ended.said, re.MULTILINE), where
            elsewhere = taken_from_elsewhere(ended.said)
            assert elsewhere == (self.new if "Assembling" in ended.said else None), where
            assert not list(self.server.temporary.glob("hubmaxact-report-*")), where

    def number_of(self, name, path):
        """Of the last call of that name on such a path."""
        calls = self.undisturbed.calls
        return max(n for n, c in enumerate(calls, 1) if c.name == name and path in str(c.path))


@pytest.mark.nightly
def test_a_disk_that_is_full_at_the_end_and_a_kill_while_writing(runs):
    runs.check(runs.number_of("write", "/report/"), errno.ENOSPC)
    runs.check(runs.number_of("rename", "report.json"), 0)


@pytest.mark.nightly
def test_whichever_call_fails(runs):
    for number, call in enumerate(runs.undisturbed.calls, 1):
        for fault in faults_of(call):
            runs.check(number, fault)
