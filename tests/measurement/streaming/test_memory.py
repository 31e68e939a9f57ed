"""What a streamed run holds: two layers beside the rest, and never the checkpoint."""

import json
import sys

import pytest
from command import environment
from held_memory import held_by
from measurement.streaming.large import WIDER, make

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="kibibytes are told on Linux"),
    pytest.mark.nightly,
]

MEBIBYTE = 1 << 20
SCRIPT = """
import json, resource, sys
from hubmaxact import Options, measure
from hubmaxact.measurement.watcher import Watcher

class Peaks(Watcher):
    def stage(self, sentence):
        peaks[sentence.split()[0]] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

peaks = {}
few = {"corpus": sys.argv[2], "profile": sys.argv[3]}
few |= {"batch_tokens": 64, "stream": True, "device": "cpu"}
measure(sys.argv[1], Options(**few), watcher=Peaks())
print(json.dumps(peaks))
"""


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": f"{n} is a number"}) + "\n" for n in range(3)))
    return path


@pytest.mark.parametrize("profile", ["paper", "deployment"])
def test_a_checkpoint_takes_a_part_of_its_size(tmp_path, corpus, profile):
    """From before it is loaded to the report, statistics and their kernels counted in."""
    num_bytes = 600 * MEBIBYTE
    large = make(tmp_path / "large", num_bytes)
    command = [sys.executable, "-c", SCRIPT, large, corpus, profile]
    printed, _ = held_by(*command, env=environment(tmp_path))
    peaks = json.loads(printed)
    assert peaks["Assembling"] - peaks["Loading"] < num_bytes / 2


@pytest.mark.parametrize("profile", ["paper", "deployment"])
def test_4_gib_are_measured_within_one_and_a_half(tmp_path, profile):
    """Over texts so long that memory which was freed and not given back would be told."""
    large = make(tmp_path / "large", 4 << 30, **WIDER)
    command = [sys.executable, "-m", "hubmaxact", "measure", large, "--stream", "--device", "cpu"]
    command += ["--num-samples", "4", "--max-seq-len", "1024", "--batch-tokens", "1024"]
    command += ["--profile", profile, "--output", tmp_path / "report.json"]
    _, held = held_by(*command, env=environment(tmp_path))
    assert held < 1.5 * 2**30
