"""Any number of processes writes the report, and what lies beside it, of one."""

import os
import re
import signal
import time

import pytest
from command import DENSE, MOE, hubmaxact_here
from measurement.distributed.several import Started
from quantized.plainly import shortened

FEW = (
    *("--profile", "deployment", "--products", "float32", "--num-samples", 6, "--max-seq-len", 16),
    *("--calibration-samples", 2, "--evaluation-samples", 2, "--batch-tokens", 32),
)
MANY = ("--profile", "deployment", "--num-samples", 24, "--max-seq-len", 64, "--batch-tokens", 128)
MANY += ("--calibration-samples", 6, "--evaluation-samples", 8, "--end-to-end", "int8/per_token")


def written(folder):
    """Every file by its path in a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def measured(folder, size, model, options):
    """What so many processes write, and what they say."""
    folder.mkdir()
    output = folder / "files" / "report.json"
    output.parent.mkdir()
    started = Started(folder, size, "measure", model, *options, "--output", output)
    assert started.end(patience=300) == [0] * size, started.told(0)
    assert [started.told(rank) for rank in range(1, size)] == [""] * (size - 1)
    return written(output.parent), started.told(0)


@pytest.mark.parametrize("size", [pytest.param(2, marks=pytest.mark.nightly), 3])
def test_several_processes_write_what_one_does(tmp_path, size):
    """Each split is one batch: nobody has seen two, and of three processes one has seen each."""
    alone = tmp_path / "alone"
    alone.mkdir()
    short = shortened(MOE, tmp_path / "short")
    done = hubmaxact_here("measure", short, *FEW, "--output", alone / "report.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found, told = measured(tmp_path / "together", size, short, FEW)
    assert found == written(alone)
    assert len(found) > 1
    assert done.stdout in told
    assert "of them here" in told


@pytest.mark.nightly
@pytest.mark.parametrize(("model", "dtype"), [(DENSE, "bfloat16"), (MOE, "float32")])
def test_four_processes_write_what_one_does(tmp_path, model, dtype):
    options = (*MANY, "--dtype", dtype)
    (tmp_path / "alone").mkdir()
    path = tmp_path / "alone" / "report.json"
    done = hubmaxact_here("measure", model, *options, "--output", path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found, _ = measured(tmp_path / "together", 4, model, options)
    assert found == written(tmp_path / "alone")


def test_what_is_refused_is_refused_once(tmp_path):
    started = Started(tmp_path, 2, "measure", tmp_path / "nowhere", "--output", tmp_path / "r")
    assert started.end() == [2, 2]
    (told,) = started.sentences
    assert re.match(r"hubmaxact: rank [01]: .*nowhere", told)


@pytest.mark.nightly
def test_whoever_stops_all_is_told_once_what_is_kept(tmp_path):
    few = ("--calibration-samples", 0, "--evaluation-samples", 0, "--max-seq-len", 64)
    long = (*few, "--num-samples", 900, "--batch-tokens", 64, "--cpu-threads", 1)
    words = ("measure", DENSE, *long, "--state-dir", tmp_path / "kept", "--output", tmp_path / "r")
    started = Started(tmp_path, 2, *words)
    while len(list(tmp_path.glob("kept/state-*"))) < 2:
        assert all(process.is_alive() for process in started.processes)
        time.sleep(0.01)
    for process in started.processes:
        os.kill(process.pid, signal.SIGTERM)
    assert started.end() == [143, 143]
    (told,) = started.sentences
    assert re.fullmatch(
        r"hubmaxact: rank [01]: interrupted; \d+ of \d+ batches are kept, and what the other "
        r"processes saved\. Go on with: the command that started all processes",
        told,
    )
