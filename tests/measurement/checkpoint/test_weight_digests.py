"""Weights are hashed beside the run: the files' own digests, or nothing at all."""

import hashlib
from concurrent.futures import CancelledError
from dataclasses import replace

import pytest
from command import DENSE

from hubmaxact.measurement.checkpoint.weight_digests import WeightDigests, digest_weights
from hubmaxact.measurement.checkpoint.weight_files import inspect

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


def test_a_file_that_is_gone_is_an_error(tmp_path):
    with (
        WeightDigests(replace(inspect(DENSE), folder=tmp_path)) as digests,
        pytest.raises(FileNotFoundError),
    ):
        digests.result()
