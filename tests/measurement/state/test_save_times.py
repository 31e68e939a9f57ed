"""Saving costs a hundredth of a run, whatever a save costs; and a failing one ends nothing."""

import random

import pytest

from hubmaxact.files import WriteError
from hubmaxact.measurement.state.save_times import SaveTimes
from hubmaxact.measurement.state.state_file import KeptState

KEPT = KeptState({}, "", (), {})


class Disk:
    """Takes some seconds for a save, by a clock of its own, and says when it is full."""

    def __init__(self, seconds=1.0):
        self.now, self.seconds, self.is_full = 50.0, seconds, False
        self.begun, self.told = [], []
        self.times = SaveTimes(self.save, self.told.append, clock=lambda: self.now)

    def make(self):
        self.begun.append(self.now)
        self.now += self.seconds / 2
        return KEPT

    def save(self, kept):
        assert kept is KEPT
        self.now += self.seconds / 2
        if self.is_full:
            raise WriteError("the disk is full.")


def test_the_first_is_due_at_once_and_the_next_when_both_are_a_hundredth():
    disk = Disk(seconds=2.0)
    for _ in range(1000):
        disk.times.when_due(disk.make)
        disk.now += 1.0
    # Two seconds each, the time of making the state included: 4, 6 and 8 in all.
    assert [begun - 50 for begun in disk.begun] == [0.0, 400.0, 600.0, 800.0, 1000.0]


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.3, 7.0])
def test_all_but_the_first_cost_a_hundredth(seconds):
    disk, choice = Disk(), random.Random(2)
    while disk.now < 50_000:
        disk.seconds = seconds
        disk.times.when_due(disk.make)
        disk.now += choice.expovariate(1)
        spent = (len(disk.begun) - 1) * seconds
        assert spent <= (disk.now - 50) / 100
    assert len(disk.begun) > 60


def test_a_save_that_fails_is_told_once_and_tried_again():
    disk = Disk()
    disk.is_full = True
    assert not disk.times.when_due(disk.make)
    for _ in range(300):
        disk.now += 1.0
        assert not disk.times.when_due(disk.make)
    assert (disk.told, len(disk.begun)) == (["the disk is full."], 3)
    disk.is_full = False
    assert disk.times.now(disk.make)
    disk.is_full = True
    assert not disk.times.now(disk.make)
    assert disk.told == ["the disk is full."] * 2


def test_at_the_end_it_is_saved_whatever_it_costs():
    disk = Disk()
    assert all(disk.times.now(disk.make) for _ in range(5))
    assert not disk.times.is_due
