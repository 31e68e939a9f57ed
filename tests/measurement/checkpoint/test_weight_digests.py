"""Weights are hashed beside the run: the files' own digests, or nothing at all."""

import hashlib
import os
import shutil
import time
from concurrent.futures import CancelledError
from dataclasses import replace

import pytest
from command import DENSE

from hubmaxact import Options, measure
from hubmaxact.errors import IncompleteWeightsError
from hubmaxact.measurement.checkpoint.weight_digests import WeightDigests, digest_weights
from hubmaxact.measurement.checkpoint.weight_files import inspect
from hubmaxact.measurement.watcher import Watcher

HASHING = "Hashing the rest of the weights"
MOST_OF_A_MINUTE = 100 * 2**30  # bytes to hash


def test_digests_are_those_of_the_files():
    found = digest_weights(inspect(DENSE))
    content = (DENSE / "model.safetensors").read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    assert found == [{"path": "model.safetensors", "size": len(content), "sha256": sha256}]


def test_who_leaves_early_waits_for_no_file_and_gets_no_digest(tmp_path):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MOST_OF_A_MINUTE)
    files = inspect(DENSE)
    large = replace(files, folder=tmp_path, weights=replace(files.weights, files=("large",)))
    with WeightDigests(large) as digests:
        assert not digests.ready
    with pytest.raises(CancelledError):
        digests.result()


class Slow(Watcher):
    """Puts a pipe in the place of the loaded weights, and writes them when nothing else is left."""

    def __init__(self, path):
        self.path, self.heard = path, []

    def stage(self, sentence):
        self.heard.append(sentence)
        if sentence.startswith("Encoding"):
            self.content = self.path.read_bytes()
            self.path.unlink()
            os.mkfifo(self.path)
        if sentence == HASHING:
            with os.fdopen(self.pipe, "wb") as file:
                file.write(self.content)

    def batch_done(self, batch):
        self.heard.append("a batch")
        if "a batch" not in self.heard[:-1]:
            self.pipe = opened(self.path)


def opened(pipe):
    """The end of a pipe that is written to, as soon as somebody reads the other one."""
    until = time.monotonic() + 10
    while True:
        try:
            descriptor = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody does
            assert time.monotonic() < until, "the weights are not hashed beside the passes"
            time.sleep(0.01)
        else:
            os.set_blocking(descriptor, True)
            return descriptor


class Removing(Watcher):
    """Takes the loaded weights away."""

    def __init__(self, path):
        self.path = path

    def stage(self, sentence):
        if sentence.startswith("Encoding"):
            self.path.unlink()


@pytest.fixture
def copy(tmp_path):
    """A checkpoint that may be changed, and what to measure it with."""
    shutil.copytree(DENSE, tmp_path / "dense")
    (tmp_path / "texts.jsonl").write_text('{"text": "one"}\n{"text": "another"}\n')
    return tmp_path / "dense", Options(corpus=str(tmp_path / "texts.jsonl"))


def test_they_are_hashed_beside_the_passes_and_what_is_left_is_told(copy):
    folder, options = copy
    slow = Slow(folder / "model.safetensors")
    report = measure(folder, options, watcher=slow)
    assert slow.heard[-3:] == ["a batch", HASHING, "Assembling the report"]
    assert report["model"]["weight_files"] == digest_weights(inspect(DENSE))


def test_a_file_that_goes_while_it_is_measured_is_one_sentence(copy):
    folder, options = copy
    told = r"model.safetensors of dense cannot be read any more, .*: No such file or directory\."
    with pytest.raises(IncompleteWeightsError, match=told):
        measure(folder, options, watcher=Removing(folder / "model.safetensors"))
