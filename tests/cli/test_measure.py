"""What `measure` says of a run while it goes, on stderr alone."""

import json
import re

from command import DENSE, hubmaxact_here

from hubmaxact.cli.progress_bar import Bar


def test_timings_name_every_stage_and_its_seconds(tmp_path):
    texts = [json.dumps({"text": f"number {number}"}) for number in range(3)]
    (tmp_path / "texts.jsonl").write_text("\n".join(texts))
    words = ("measure", DENSE, "--corpus", "texts.jsonl", "--output", "report.json")
    quiet = hubmaxact_here(*words, cwd=tmp_path)
    (tmp_path / "report.json").unlink()
    done = hubmaxact_here(*words, "--timings", cwd=tmp_path)
    assert (quiet.returncode, done.returncode) == (0, 0)
    assert done.stdout == quiet.stdout
    table = done.stderr.partition("Seconds")[2].split("\n")
    seconds = {line[:-8].strip(): float(line[-8:]) for line in table if line[-8:].strip(" ─")}
    together = seconds.pop("Together")
    assert [stage.split()[0] for stage in seconds] == [
        *("Finding", "Starting", "Reading", "Loading", "Encoding", "Preparing"),
        *("Measuring", "Assembling", "Writing"),
    ]
    assert abs(sum(seconds.values()) - together) < 0.1 * len(seconds)
    assert "Seconds" not in quiet.stderr


def test_progress_tells_tokens_and_the_time_left_by_them(capsys):
    bar = Bar("Measuring", "batch", "batches", first=1, sizes="tokens")
    with bar:
        bar.begin(2, 45_000)
        bar.began -= 90.0  # seconds ago
        bar.step(30_000)
        bar.step(15_000)
    assert capsys.readouterr().err.splitlines() == ["1/2 batches, 333 tokens/s, about 45 s left"]


def test_a_log_hears_of_a_run_how_fast_it_is(tmp_path):
    texts = [json.dumps({"text": "word " * (3 * number + 1)}) for number in range(4)]
    (tmp_path / "texts.jsonl").write_text("\n".join(texts))
    words = ("--corpus", "texts.jsonl", "--batch-tokens", 9, "--output", "report.json")
    done = hubmaxact_here("measure", DENSE, *words, cwd=tmp_path)
    (line,) = (line for line in done.stderr.splitlines() if "left" in line)
    assert re.fullmatch(r"3/4 batches, [\d,]+ tokens/s, about \d+ s left", line)
