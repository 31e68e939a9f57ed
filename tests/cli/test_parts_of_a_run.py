"""Shards that merge, and a run that was stopped and goes on: the bytes of one undisturbed run."""

import shutil
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
from command import MOE, environment, hubmaxact_here
from quantized.plainly import shortened

FEW = ("--num-samples", 12, "--max-seq-len", 24, "--batch-tokens", 96, "--calibration-samples", 4,
       "--evaluation-samples", 4)  # fmt: skip
LONG = ("--num-samples", 48, "--batch-tokens", 48)
KEPT = ("--state-dir", "kept")


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """Two layers of the model with experts."""
    return shortened(MOE, tmp_path_factory.mktemp("short") / "moe")


@pytest.fixture
def measured(short):
    """Run `measure` in a folder, to the end that is expected."""
    return partial(run_measure, short)


def run_measure(checkpoint, folder, *more, code=0):
    folder.mkdir(exist_ok=True)
    ran = hubmaxact_here("measure", checkpoint, *FEW, *more, cwd=folder)
    assert ran.returncode == code, ran.stderr
    return ran


def files(folder):
    """What lies in a folder, by name."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.mark.parametrize(
    "profile", ["deployment", pytest.param("paper", marks=pytest.mark.nightly)]
)
def test_shards_merge_to_the_bytes_of_one_run(tmp_path, measured, profile):
    whole, parts, merged = (tmp_path / name for name in ("whole", "parts", "merged"))
    measured(whole, "--profile", profile)
    for index in range(3):
        measured(parts, "--shard", f"{index}/3", "--output", f"s{index}", "--profile", profile)
    merged.mkdir()
    shards = [parts / name for name in ("s2", "s0", "s1")]
    ran = hubmaxact_here("merge", *shards, cwd=merged)
    assert ran.returncode == 0, ran.stderr
    assert files(merged) == files(whole)
    assert len(files(whole)) == (5 if profile == "deployment" else 1)


def refused(cwd, *paths):
    ran = hubmaxact_here("merge", *paths, "--output", "merged.json", cwd=cwd)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert not (cwd / "merged.json").exists()
    return ran.stderr.splitlines()[-1].removeprefix("hubmaxact: ")


def test_what_does_not_belong_together_is_refused_by_name(tmp_path, measured):
    for name, share, length in (
        ("s0", "0/2", 24),
        ("s1", "1/2", 24),
        ("third", "1/3", 24),
        ("other", "1/2", 23),
    ):
        measured(tmp_path, "--shard", share, "--output", name, "--max-seq-len", length)
    shutil.copy(tmp_path / "s1", tmp_path / "again")
    (tmp_path / "text").write_text("no shard")
    (tmp_path / "cut").write_bytes((tmp_path / "s1").read_bytes()[:-1])
    assert refused(tmp_path, "s0") == "1 shard of 2 missing: 1/2. Name all of them."
    doubled = refused(tmp_path, "s0", "s1", "again")
    assert doubled == "s1 and again are both share 1/2. Leave one out."
    assert refused(tmp_path, "s0", "other").startswith("s0 and other are shards of different runs:")
    assert refused(tmp_path, "s0", "third") == (
        "s0 is share 0/2 and third is share 1/3: batches are dealt differently. Merge shards of "
        "one deal."
    )
    assert refused(tmp_path, "s0", "cut").startswith("cut is no whole state of a measurement")
    assert "text" in refused(tmp_path, "s0", "text")


def stopped(checkpoint, folder, number):
    """Start a run whose state is kept, and stop it as soon as some is."""
    folder.mkdir()
    command = ["measure", checkpoint, *FEW, *LONG, "--state-dir", "kept"]
    run = subprocess.Popen(
        [sys.executable, "-m", "hubmaxact", *map(str, command)],
        stderr=subprocess.PIPE, text=True, cwd=folder, env=environment(folder),
    )  # fmt: skip
    while not list(folder.glob("kept/state-*")) and run.poll() is None:
        time.sleep(0.01)
    run.send_signal(number)
    said = run.communicate(timeout=60)[1]
    return run.returncode, said.splitlines()[-1], command


def test_a_run_that_is_stopped_says_how_it_goes_on_and_does(tmp_path, short, measured):
    code, said, command = stopped(short, tmp_path / "one", signal.SIGINT)
    assert code == 130
    assert said.startswith("hubmaxact: interrupted; ")
    assert said.endswith(f"batches are kept. Go on with: hubmaxact {' '.join(map(str, command))}")
    other = measured(tmp_path / "one", *LONG, *KEPT, "--num-samples", 47, code=2)
    assert "kept holds a state of another run: " in other.stderr
    again = measured(tmp_path / "one", *LONG, *KEPT)
    assert "batches of them here and now" in again.stderr
    measured(tmp_path / "two", *LONG)
    assert files(tmp_path / "one") == files(tmp_path / "two")  # nothing is left of the state


@pytest.mark.nightly
def test_a_state_of_another_run_is_refused_with_what_differs(tmp_path, short, measured):
    assert stopped(short, tmp_path / "one", signal.SIGTERM)[0] == 143
    (before,) = (tmp_path / "one" / "kept").glob("state-*")
    content = before.read_bytes()
    ran = measured(tmp_path / "one", *LONG, "--state-dir", "kept", "--num-samples", 47, code=2)
    assert "kept holds a state of another run: " in ran.stderr
    assert "corpus" in ran.stderr
    assert before.read_bytes() == content


def test_what_needs_a_whole_run_is_refused(tmp_path, measured):
    for more in (["--shard", "0/2"], ["--state-dir", "kept"]):
        ran = measured(tmp_path, *more, "--output", "x", "--batch-tokens", "auto", code=2)
        assert "finds a budget by starting over" in ran.stderr
    loss = ("--profile", "deployment", "--end-to-end", "int8")
    ran = measured(tmp_path, "--shard", "0/2", "--output", "x", *loss, code=2)
    assert "of which shard sees a part" in ran.stderr
    ran = measured(tmp_path, "--shard", "2/2", "--output", "x", code=2)
    assert "shard must be I/N with I from 0 to N - 1, such as 0/4, found '2/2'" in ran.stderr
    assert "give --output FILE alone" in measured(tmp_path, "--shard", "0/2", code=2).stderr
    assert not list(tmp_path.iterdir())
