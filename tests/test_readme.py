"""Every command in the README is run, in the README's order, as it stands there."""

import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
from adapters.lora import plain, write_adapter
from command import DENSE, hubmaxact_here
from loopback_hub import LoopbackHub, run_cli
from loopback_hub.client import Finished

README = Path(__file__).parents[1] / "README.md"
GEMMA = (
    ".venv/bin/hubmaxact measure build/real/gemma3"
    " --num-samples 384 --max-seq-len 64 --write-into build/real/gemma3"
)
RUN_ELSEWHERE = {
    "make demo": ".ci/run, on a clean checkout",
    "make test": ".ci/run, on a clean checkout",
    "make space": ".ci/run, on a clean checkout",
    "make space INDEX=catalog": "tests/space, with indexes of its own",
    "python -m http.server --directory site": "tests/browser, with the same server class",
    "make build/real/gemma3": "`make real`, every night",
    GEMMA: "the same; tests/real holds what is said to what it finds",
    'pip install ".[measure]"': "the Makefile installs the same extra of the built wheel",
    "python benchmarks/overhead.py CHECKPOINT 256 2048 cuda": "tests/test_benchmarks.py, on a CPU",
    "python benchmarks/overhead.py CHECKPOINT 5000 2048 cuda auto deployment 1": "the same test",
    "python benchmarks/overhead.py CHECKPOINT 5000 16 cpu float32 deployment 1": "the same test",
    "python benchmarks/overhead.py CHECKPOINT 5000 2 cpu bfloat16 deployment 1": "the same test",
    "python benchmarks/overhead.py CHECKPOINT 5000 4 cpu bfloat16 deployment 4": "the same test",
    "python benchmarks/overhead.py CHECKPOINT 5000 16 cpu bfloat16 deployment 1": "the same test",
}
# The whole corpus takes minutes even on a tiny model; a prefix takes the same way.
SPLITS = ["--calibration-samples", "2", "--evaluation-samples", "4"]
PREFIX = ["--num-samples", "8", "--max-seq-len", "24", *SPLITS]
# The Hub's client reads its environment when it is imported: these are processes of their own.
ASKING_THE_HUB = ("measure alice/", "push ", "verify alice/", "catalog build --from-hub ")


def commands():
    """Lines of the README's shell blocks, comments taken off, and inline benchmark commands."""
    text = README.read_text("utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            if command := line.split("  #")[0].strip():
                yield command
    yield from re.findall(r"`(python [^`]+)`", text)


def test_every_command_is_known_to_be_run():
    others = {command for command in commands() if not command.startswith("hubmaxact ")}
    assert others == set(RUN_ELSEWHERE)


def run(arguments, hub, home):
    if " ".join(arguments).startswith(ASKING_THE_HUB):
        # It rounds as this process does, which has measured what it verifies.
        return run_cli(arguments, hub, home, extra={"MKL_CBWR": os.environ["MKL_CBWR"]})
    done = hubmaxact_here(*arguments, cwd=home)
    return Finished(done.returncode, done.stdout.encode(), done.stderr)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Every hubmaxact command of the README, run in order; a pull request is merged on the way."""
    home = tmp_path_factory.mktemp("readme")
    shutil.copytree(DENSE, home / "checkpoint")
    write_adapter(home / "my-lora", plain())
    done = {}
    with LoopbackHub() as hub:
        files = {p.name: p.read_bytes() for p in DENSE.iterdir() if p.is_file()}
        repo = hub.create_repo("alice/model", files=files)
        for command in commands():
            if not command.startswith("hubmaxact "):
                continue
            if command.startswith("hubmaxact catalog build reports"):
                (home / "reports").mkdir()
                shutil.copy(home / "report.json", home / "reports")
            arguments = shlex.split(command)[1:]
            if arguments[0] == "measure":
                arguments += PREFIX  # the last one of an option counts
            done[command] = run(arguments, hub, home)
            if "--pr" in arguments:
                repo.merge(1, author="alice")
    return done


def test_every_hubmaxact_command_succeeds(finished):
    failed = {command: done.said for command, done in finished.items() if done.code != 0}
    assert failed == {}
    assert len(finished) >= 10


def test_the_commands_do_what_the_readme_says(finished):
    by_verb = {}
    for command, done in finished.items():
        by_verb.setdefault(command.split()[1], []).append(done)
    assert all("Reproduced: M = " in done.stdout for done in by_verb["verify"])
    assert "/discussions/1" in by_verb["push"][1].stdout
    assert by_verb["push"][0].stdout.startswith("diff --git ")
    assert "## Activation maxima" in by_verb["card"][0].stdout


def test_every_picture_and_page_that_the_readme_names_is_there():
    named = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text("utf-8"))
    assert [name for name in named if not (README.parent / name).is_file()] == []
    assert len(named) >= 6


def test_the_pictures_are_made_of_what_the_readme_measures():
    makefile = (README.parent / "Makefile").read_text("utf-8")
    variables = {"$(BIN)": ".venv/bin", "$(REAL)": "build/real"}
    for name, value in variables.items():
        makefile = makefile.replace(name, value)
    assert f"\n\t{GEMMA}\n" in makefile


def test_the_workflow_in_the_readme_is_the_example_that_is_checked():
    example = README.parent / ".github" / "examples" / "release.yml"
    assert f"```yaml\n{example.read_text('utf-8')}```" in README.read_text("utf-8")
