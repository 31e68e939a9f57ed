"""What lies beside a report is what plain hooks see, and is written and found with the report."""

import shutil
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest
from command import DENSE, hubmaxact_here
from safetensors import safe_open
from safetensors.numpy import load_file
from sidecars.conftest import measure

from hubmaxact import read_report
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.run import measure_in_full
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.report.deployment import EXPERTS, QUANTIZATION, SIDECARS
from hubmaxact.report.source import find
from hubmaxact.sidecars.channels import read_channels

OF_DENSE = [name for name in SIDECARS if name != EXPERTS]


@pytest.fixture(scope="session")
def channels(made_once):
    return load_file(made_once / "report" / "channels.safetensors")


@pytest.fixture(scope="session")
def rows(made_once):
    return read_report(made_once / "report.json")["linear_inputs"]


def test_every_channel_of_every_linear_input_equals_plain_hooks(channels, rows, seen):
    for row in rows:
        for module in row["modules"]:
            first, x = row["modules"][0], seen[module]
            assert channels[f"{first}.input.abs_max"].tolist() == x.abs().amax(0).tolist()
            assert channels[f"{first}.input.num_rows"].tolist() == [len(x)]


def test_squares_of_every_channel_are_added_up_over_the_calibration_split(
    channels, rows, calibrated
):
    for row in rows:
        first = row["modules"][0]
        x = calibrated[first].double()
        assert channels[f"{first}.input.sum_sq_rows"].tolist() == [len(x)]
        found = channels[f"{first}.input.sum_sq"]
        np.testing.assert_allclose(found, (x * x).sum(0).numpy(), rtol=1e-5, atol=1e-9)


def test_every_channel_and_pair_of_cached_heads_equals_the_models_own_cache(
    made_once, channels, seen
):
    for row in read_report(made_once / "report.json")["kv"]:
        name = row["module"]
        key, value = (seen[f"{name}.{role}"].abs().double() for role in ("key", "value"))
        assert channels[f"{name}.key.abs_max"].tolist() == key.amax(0).tolist()
        assert channels[f"{name}.value.abs_max"].tolist() == value.amax(0).tolist()
        half = key.shape[-1] // 2
        assert row["rotary"] == {"pairs": "halves", "channels": 2 * half}
        norm = (key[..., :half] ** 2 + key[..., half:] ** 2).amax(0).sqrt().numpy()
        np.testing.assert_allclose(channels[f"{name}.key.pair_max"], norm, rtol=1e-6)


def test_every_block_of_every_linear_input_equals_plain_hooks(made_once, rows, seen):
    blocks = load_file(made_once / "report" / "blocks.safetensors")
    for row in rows:
        x = seen[row["modules"][0]].abs().numpy()
        for size in (16, 32, 128):
            cut = [x[:, begin : begin + size].max(1) for begin in range(0, x.shape[1], size)]
            expected = sorted(Counter(np.concatenate(cut).tolist()).items())
            name = f"{row['modules'][0]}.input.block_max.{size}"
            found = zip(blocks[f"{name}.values"], blocks[f"{name}.counts"], strict=True)
            assert [tuple(each) for each in found] == expected


def test_the_report_names_them_and_they_the_run(made_once):
    report = read_report(made_once / "report.json")
    assert [row["name"] for row in report["sidecars"]] == OF_DENSE
    table = pq.read_metadata(made_once / "report" / QUANTIZATION).metadata
    metadata = [{key.decode(): text.decode() for key, text in table.items()}]
    for name in OF_DENSE[:2]:
        with safe_open(made_once / "report" / name, "numpy") as file:
            metadata.append(file.metadata())
    for name, told in zip((QUANTIZATION, *OF_DENSE[:2]), metadata, strict=True):
        assert (told["format"], told["holds"]) == ("hubmaxact", name.partition(".")[0])
        assert told["corpus_digest"] == report["protocol"]["corpus"]["digest"]


@pytest.fixture
def model_copy(tmp_path):
    return shutil.copytree(DENSE, tmp_path / "model")


def test_equal_runs_give_equal_bytes_also_in_the_checkpoint_itself(made, model_copy):
    done = measure(made, model_copy, "--write-into", model_copy)
    assert done.returncode == 0, done.stderr
    beside = model_copy / "activation_maxima"
    pictures = ("cache.svg", "errors.svg", "layers.svg", "saturation.svg")
    names = sorted(path.name for path in beside.iterdir())
    assert names == sorted([*OF_DENSE, *pictures])
    for name in OF_DENSE:
        assert (beside / name).read_bytes() == (made / "report" / name).read_bytes()
    assert hubmaxact_here("validate", model_copy, cwd=made).returncode == 0
    (beside / "blocks.safetensors").write_bytes(b"of another run")
    assert hubmaxact_here("validate", model_copy, cwd=made).returncode == 1


def test_a_report_named_as_a_checkpoint_beside_it_is_refused_before_measuring(model_copy):
    done = measure(model_copy.parent, "model", "--output", "model.json")
    assert done.returncode == 2
    assert "which is a checkpoint, whose loaders would take them for weights" in done.stderr
    assert not (model_copy / "channels.safetensors").exists()


def test_a_report_with_nothing_beside_it_may_be_named_as_one(model_copy):
    done = measure(model_copy.parent, "model", "--profile", "paper", "--output", "model.json")
    assert done.returncode == 0, done.stderr
    assert "sidecars" not in read_report(model_copy.parent / "model.json")


def test_readers_get_numbers_in_the_order_of_channels(made, seen):
    report = read_report(made / "report.json")
    found = read_channels(report, find(made / "report.json"))
    for row in report["linear_inputs"]:
        x = seen[row["modules"][0]]
        assert list(found.abs_max(row)) == x.abs().amax(0).tolist()
        assert found.num_rows(row) == len(x)
    for row in report["kv"]:
        values = seen[f"{row['module']}.value"].abs().amax(0).tolist()
        assert [list(head) for head in found.cached_abs_max(row, "value")] == values


def test_a_valid_report_with_its_own_files_is_valid(made):
    done = hubmaxact_here("validate", "report.json", cwd=made)
    assert (done.returncode, done.stdout) == (0, "report.json: valid\n")


class Asked(Watcher):
    """Hears how much room is asked for, and whether anything was planned by then."""

    def room_needed(self, num_bytes):
        assert not hasattr(self, "plan")
        self.num_bytes = num_bytes

    def planned(self, plan, num_sites, num_tokens):
        self.plan = plan


@pytest.mark.nightly
def test_the_room_that_is_asked_for_before_the_first_batch_is_enough():
    for few in ({"num_samples": 2, "max_seq_len": 3}, {"num_samples": 8, "max_seq_len": 64}):
        asked = Asked()
        options = Options(profile="deployment", calibration_samples=1, evaluation_samples=1, **few)
        made = measure_in_full(DENSE, options, watcher=asked).sidecars
        size = sum(map(len, made.values()))
        assert len(made) == 3
        assert size < asked.num_bytes < 20 * size
