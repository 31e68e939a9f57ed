"""`measure --plan`: a table on standard output, and neither weights nor a report anywhere."""

import json
import re
import shutil

import pytest
from command import DENSE, MOE, hubmaxact_here
from loopback_hub import LoopbackHub, run_cli
from measurement.forecast import huge_release
from oracle import texts

from hubmaxact.measurement.batch_plan import LARGEST_BUDGET

BATCHES = ("--num-samples", "12", "--batch-tokens", "200")


@pytest.fixture
def corpus(tmp_path):
    return texts.write(tmp_path / "texts.jsonl", texts.ROWS[:20])


def lines(stdout):
    """The table, each line by its name."""
    rows = (re.fullmatch(r"  (\w[\w ]*?)  +(\S.*?) *", line) for line in stdout.splitlines())
    return {row[1]: row[2] for row in rows if row}


def test_it_tells_of_a_folder_and_writes_nothing(corpus, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    done = hubmaxact_here("measure", DENSE, "--plan", "--corpus", corpus, *BATCHES, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = lines(done.stdout)
    assert told["Parameters"] == "2,002,048"
    assert told["Texts"] == "12"
    assert told["Batches"] == "5 of 200 tokens at most"
    assert told["Weights"] == "4 MB in bfloat16 on cpu"
    assert re.fullmatch(r"about .* s: an estimate from products.*", told["Time"])
    assert list(told)[:4] == ["Checkpoint", "Commit", "Parameters", "Sites"]
    assert sorted(tmp_path.rglob("*")) == before
    assert "Loading" not in done.stderr


@pytest.mark.nightly
def test_a_budget_that_a_run_finds_by_itself_is_told_to_be_its_first(corpus, tmp_path):
    words = ("--corpus", corpus, "--num-samples", "2", "--batch-tokens", "auto")
    done = hubmaxact_here("measure", DENSE, "--plan", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = lines(done.stdout)["Batches"]
    assert told == f"1 of {LARGEST_BUDGET:,} tokens at most, which auto tries first"


@pytest.mark.nightly
def test_a_shard_is_told_how_many_batches_are_its_own(corpus, tmp_path):
    words = ("--corpus", corpus, *BATCHES, "--calibration-samples", "0", "--shard", "1/2")
    done = hubmaxact_here("measure", DENSE, "--plan", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert lines(done.stdout)["Batches"] == "5 of 200 tokens at most"
    assert "of the whole run; shard 1/2 runs 3." in " ".join(done.stderr.split())


@pytest.mark.nightly
def test_of_700_gb_on_the_hub_headers_are_read_and_not_one_weight(corpus, tmp_path):
    with LoopbackHub() as hub:
        repo, shards = huge_release.commit(hub, "alice/huge")
        words = ["measure", "alice/huge", "--plan", "--corpus", corpus, *BATCHES]
        done = run_cli(words, hub, tmp_path)
        asked = hub.asked("GET", ".safetensors")
    assert done.code == 0, done.stderr
    told, out = lines(done.stdout), "".join(done.stdout.split())
    assert told["Commit"] == repo.resolve("main").sha
    assert told["Download"] == "701 GB of weights, which are not here yet"
    maps = f"{huge_release.NUM_MAPS:,}"
    assert f"Expanded{maps}weightsoffp8(fp8):701GBasstored,1.4TBinbfloat16" in out
    assert f"Setasidescalesofactivations,whicharenotrounded:{maps}activation_scale" in out
    assert told["Weights"] == "1.4 TB in bfloat16 on cpu"
    assert {each.status for each in asked if "index" not in each.target} == {206}
    assert all(shard.most_asked == len(shard.head) for shard in shards)
    assert not list(tmp_path.rglob("*-of-*.safetensors"))
    assert not list(tmp_path.rglob("activation_maxima*"))


def test_where_only_values_show_the_sites_it_says_so(corpus, tmp_path):
    shutil.copytree(MOE, tmp_path / "moe")
    config = json.loads((MOE / "config.json").read_bytes())
    config["experts_implementation"] = "eager"  # which asks each expert for its own tokens
    (tmp_path / "moe" / "config.json").write_text(json.dumps(config))
    done = hubmaxact_here("measure", "moe", "--plan", "--corpus", corpus, *BATCHES, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = lines(done.stdout)
    assert told["Sites"] == "found by a first pass through 8 layers"
    assert told["One batch"] == told["Statistics"] == told["Time"] == "found by a first pass"
    assert told["Tokens"].isdecimal()
    assert "Note: sites, and what follows from them, are found by a first pass: " in done.stderr
