"""The same command gives the same bytes: twice, with other threads, hash seeds and locales."""

import json
import os
import subprocess
import sys

import pytest
import torch

from hubmaxact.report.write import report_bytes
from oracle.cases import Case

KEPT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT")
ONE = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
TWO = {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
OTHER = {
    "PYTHONHASHSEED": "4242",
    "LC_ALL": "tr_TR.UTF-8",
    "LANG": "tr_TR.UTF-8",
    "TZ": "Asia/Tokyo",
}


def measure(folder, corpus, output, **variables):
    """Run the command in a process of its own and return what it wrote."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    if "PYTHONPATH" in kept:
        paths = kept["PYTHONPATH"].split(os.pathsep)
        kept["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, paths))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "hubmaxact", "measure", folder, "--corpus", corpus),
            *("--max-seq-len", "48", "--batch-tokens", "256", "--device", "cpu"),
            *("--calibration-samples", "8", "--evaluation-samples", "16", "--output", output),
        ],
        cwd=output.parent,
        env={**kept, "HOME": str(output.parent), "HF_HUB_OFFLINE": "1", **variables},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return output.read_bytes()


@pytest.fixture(scope="module")
def first(checkpoint, corpus, tmp_path_factory):
    folder = checkpoint("qwen3_moe", bos=False)
    return (
        folder,
        corpus,
        measure(folder, corpus, tmp_path_factory.mktemp("first") / "a.json", **TWO),
    )


@pytest.mark.nightly
@pytest.mark.parametrize(
    "variables",
    [pytest.param(TWO, marks=pytest.mark.nightly), ONE | OTHER],
    ids=["again", "threads-hash-locale"],
)
def test_the_same_command_gives_the_same_bytes(first, variables, tmp_path):
    folder, corpus, expected = first
    assert measure(folder, corpus, tmp_path / "b.json", **variables) == expected


def test_a_report_names_no_place_time_or_person(measured, checkpoint, corpus):
    case = Case("qwen3_moe", bos=False)
    folder, content = checkpoint(case.name, **case.checkpoint), report_bytes(measured(case))
    for word in (str(folder), str(corpus.parent), os.environ.get("HOME", "/root") + "/"):
        assert word.encode() not in content
    assert json.loads(content)["status"] == "complete"


@pytest.mark.by_day("gemma2-*")
@pytest.mark.parametrize(
    ("case", "numbers"),
    [
        (Case("gemma2", budget=512, dtype="float32"), (1, 2)),
        (Case("qwen3", budget=4096, wide=True), (1, 8)),
    ],
    ids=str,
)
def test_the_number_of_threads_changes_no_byte(measured, case, numbers):
    before = torch.get_num_threads()
    try:
        written = []
        for number in numbers:
            torch.set_num_threads(number)
            written.append(json.dumps(measured(case, max_seq_len=256)))
    finally:
        torch.set_num_threads(before)
    assert written[0] == written[1]
