"""Many checkpoints at once: the scripts for Slurm and Hugging Face Jobs, run for real.

The scheduler's own command alone is stood in for: `sbatch` runs the tasks of the array one after
another, and `hf` a job's command here, in the folder that stands for the bucket.
"""

import os
import re
import subprocess
import sys

import pytest
from command import DENSE, MOE
from loopback_hub import environment

from actions.harness import GITHUB
from hubmaxact import read_report

EXAMPLES = GITHUB / "examples"
QUICK = ("--num-samples", "2", "--max-seq-len", "8")
FLEETS = ("slurm", "jobs")

SBATCH = """#!/bin/bash
[[ $1 =~ ^--array=0-([0-9]+)%8$ ]] || exit 70
last=${BASH_REMATCH[1]} spool=$(mktemp)
cp "$2" "$spool"
code=0
for ((task = 0; task <= last; task++)); do
  SLURM_ARRAY_TASK_ID=$task bash "$spool" "${@:3}" || code=1
done
exit $code
"""
HF = """#!/bin/bash
while [[ $1 != python:3.12 ]]; do shift; done
"${@:2:5}" "$BUCKET" "${@:8}"
"""
PIP = "#!/bin/bash\n"  # hubmaxact lies there already
HOSTILE = (
    *("alice/model two", "alice/model;rm -rf .", "alice/'model", 'alice/"model', "../model"),
    *("alice/..", "-option/model", "alice/--output", "alice", "alice/model@", "alice/model@-x"),
    *(
        "alice/model@../x",
        "alice/model@x/../y",
        "alice/$(touch x)",
        "alice/`id`",
        "alice/mod\x1bel",
    ),
    *("alice/model\\", "alice/*", "alice/modèle", " alice/model"),
)


class Cluster:
    """A machine whose scheduler runs what it is given at once."""

    def __init__(self, hub, home):
        self.home, self.hub = home, hub
        self.place, tools = home / "maxima", home / "tools"
        tools.mkdir()
        self.place.mkdir()
        ours = f'#!/bin/sh\nexec "{sys.executable}" '
        programs = {
            "sbatch": SBATCH,
            "hf": HF,
            "pip": PIP,
            "python3": f'{ours} "$@"\n',
            "hubmaxact": f'{ours} -m hubmaxact "$@"\n',
        }
        for name, content in programs.items():
            (tools / name).write_text(content)
            (tools / name).chmod(0o755)
        self.variables = environment(hub, home)
        self.variables |= {"PATH": f"{tools}:{os.environ['PATH']}", "BUCKET": str(self.place)}

    def submit(self, fleet, lines):
        (self.home / "models.txt").write_text(lines)
        where = {"slurm": self.place, "jobs": "alice/maxima"}[fleet]
        return subprocess.run(
            ["bash", EXAMPLES / f"fleet-{fleet}.sh", "models.txt", where, *QUICK],
            cwd=self.home,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def reports(self):
        found = self.place.rglob("activation_maxima.json")
        return {str(path.parent.relative_to(self.place / "reports")): path for path in found}


@pytest.fixture
def cluster(hub, tmp_path):
    return Cluster(hub, tmp_path)


def head(repo):
    return repo.refs["refs/heads/main"]


def weights(model):
    return {path.name: path.read_bytes() for path in model.iterdir() if path.is_file()}


@pytest.mark.nightly
@pytest.mark.parametrize("fleet", FLEETS)
def test_each_repository_is_measured_once_for_each_commit(cluster, fleet):
    dense = cluster.hub.create_repo("alice/dense", files=weights(DENSE))
    moe = cluster.hub.create_repo("bob/moe", files=weights(MOE))
    lines = f"# small ones\nalice/dense\n\nbob/moe@{head(moe)}  # at a commit\n"
    done = cluster.submit(fleet, lines)
    assert done.returncode == 0, done.stderr
    first = {name: path.read_bytes() for name, path in cluster.reports.items()}
    assert set(first) == {"alice/dense", f"bob/moe@{head(moe)}"}
    assert read_report(cluster.reports["alice/dense"])["model"]["commit"] == head(dense)
    again = cluster.submit(fleet, lines)
    assert len(re.findall(r" is measured at [0-9a-f]{40} already\.", again.stderr)) == 2
    dense.commit({"README.md": b"# New words\n"})
    cluster.submit(fleet, lines)
    now = {name: path.read_bytes() for name, path in cluster.reports.items()}
    assert now["alice/dense"] != first.pop("alice/dense")
    assert now.items() >= first.items()
    assert read_report(cluster.reports["alice/dense"])["model"]["commit"] == head(dense)
    assert [path for path in (cluster.place / "states").rglob("*") if path.is_file()] == []


@pytest.mark.nightly
def test_what_fails_stops_no_other(cluster):
    cluster.hub.create_repo("alice/dense", files=weights(DENSE))
    done = cluster.submit("slurm", "alice/none\nalice/dense\n")
    assert (done.returncode, set(cluster.reports)) == (1, {"alice/dense"})
    assert "alice/none" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("fleet", FLEETS)
def test_a_list_that_holds_anything_else_starts_nothing(cluster, fleet):
    for line in HOSTILE if fleet == "slurm" else HOSTILE[:1]:
        done = cluster.submit(fleet, f"alice/dense\n{line}\n")
        assert done.returncode == 2, line
        assert re.fullmatch(r"models\.txt, line 2: .+ is not owner/name or .+\n", done.stderr), line
    for lines, said in (
        ("alice/dense\nalice/dense # again\n", "models.txt, line 2: alice/dense is there twice."),
        ("# nothing\n", "models.txt names no repository."),
    ):
        done = cluster.submit(fleet, lines)
        assert (done.returncode, done.stderr.startswith(said)) == (2, True), done.stderr
    assert [path for path in cluster.place.rglob("*") if path.is_file()] == []


def test_the_job_is_one_that_hf_takes(cluster):
    main = "from huggingface_hub.cli.hf import main; main()"
    last = f'printf "%s\\n" "$@" > {cluster.home}/words'
    script = (
        f'#!/bin/bash\n{last}\nexec "{sys.executable}" -c "{main}" "$1" "$2" --dry-run "${{@:3}}"\n'
    )
    (cluster.home / "tools" / "hf").write_text(script)
    done = cluster.submit("jobs", "alice/dense\n")
    assert done.returncode == 0, done.stderr
    assert "Job not submitted" in done.stdout + done.stderr
    words = (cluster.home / "words").read_text()
    assert "--volume\nhf://buckets/alice/maxima:/maxima\n" in words
    assert words.endswith("\n".join(["fleet-member.sh", "alice/dense", "/maxima", *QUICK, ""]))
