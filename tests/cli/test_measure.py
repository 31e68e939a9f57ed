"""What `measure` says of a run while it goes, on stderr alone."""

import json

from command import DENSE, hubmaxact_here


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
        *("Finding", "Starting", "Reading", "Loading", "Encoding", "Measuring"),
        *("Assembling", "Writing"),
    ]
    assert abs(sum(seconds.values()) - together) < 0.1 * len(seconds)
    assert "Seconds" not in quiet.stderr
