"""A batch that does not fit is one sentence that names a smaller budget; `auto` finds one."""

import json
import subprocess
import sys

import pytest
from command import DENSE, environment

# Statistics take 54 MB of it, a batch of all texts 110; each start leaves some megabytes of code
# that torch compiled.
NUM_TEXTS, ROOM = 32, 128 * 2**20
SCRIPT = """
import json, resource, sys
from pathlib import Path
from hubmaxact import Options, measure
from hubmaxact.errors import OutOfMemoryError
from hubmaxact.measurement.watcher import Watcher

class Starved(Watcher):
    def planned(self, plan, num_sites, num_tokens):
        if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
            return  # starting over: the limit stands
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        room = used + int(sys.argv[4])
        resource.setrlimit(resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))

    def stage(self, sentence):
        print(sentence)

budget = None if sys.argv[3] == "auto" else int(sys.argv[3])
options = Options(corpus=sys.argv[2], batch_tokens=budget, max_seq_len=2048)
try:
    report = measure(sys.argv[1], options, watcher=Starved())
except OutOfMemoryError as error:
    print("refused:", error)
else:
    print(json.dumps(report["protocol"]["batch_tokens"]))
"""


pytestmark = pytest.mark.nightly


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "long.jsonl"
    text = " ".join(str(number * 7919) for number in range(4000))
    path.write_text("".join(json.dumps({"text": f"{n} {text}"}) + "\n" for n in range(NUM_TEXTS)))
    return path


def run(corpus, budget):
    command = [sys.executable, "-c", SCRIPT, str(DENSE), str(corpus), budget, str(ROOM)]
    # The limit counts address space. glibc reserves 64 MiB of it for each arena after the first,
    # and keeps what a failed pass has freed in a heap with holes, unless tensors are mapped singly.
    malloc = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "131072"}
    env = environment(corpus.parent, OMP_NUM_THREADS="1", **malloc)
    return subprocess.run(command, capture_output=True, text=True, env=env, check=True).stdout


def test_a_batch_that_does_not_fit_names_a_budget(corpus):
    said = run(corpus, "131072")
    assert "refused: a batch of 32 x 2,048 tokens does not fit the device's memory. " in said
    assert "Use --batch-tokens 32768." in said


def test_an_automatic_budget_starts_over_and_records_what_it_chose(corpus):
    said = run(corpus, "auto").splitlines()
    assert "Out of memory: starting over with batches of 65536 tokens" in said
    chosen = int(said[-1])
    assert 256 <= chosen < 131072
    assert f"Out of memory: starting over with batches of {chosen} tokens" in said
