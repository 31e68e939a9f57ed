"""Texts are cut where the user says, and never beyond the positions a model has."""

import json
import shutil

import pytest
from command import DENSE

from hubmaxact import Options, measure


@pytest.mark.parametrize(("asked", "measured"), [(20, 20), (4096, 24)])
def test_a_model_is_not_run_beyond_its_positions(tmp_path, asked, measured):
    folder = shutil.copytree(DENSE, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 24}))
    corpus = tmp_path / "long.jsonl"
    corpus.write_text(json.dumps({"text": "one two three " * 40}) + "\n")
    report = measure(folder, Options(corpus=str(corpus), max_seq_len=asked))
    assert report["protocol"]["max_seq_len"] == measured
    assert report["protocol"]["corpus"]["num_tokens"] == measured


@pytest.mark.nightly
def test_a_device_map_changes_no_number(tmp_path):
    corpus = tmp_path / "short.jsonl"
    corpus.write_text(json.dumps({"text": "a few words"}) + "\n")
    plain, mapped = (
        measure(DENSE, Options(corpus=str(corpus), device_map=device_map))
        for device_map in (None, "auto")
    )
    assert plain == mapped
