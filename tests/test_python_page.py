"""`docs/python.md`: its examples run, in order, in one fresh process, and print what it shows."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command import MODELS
from loopback_hub import LoopbackHub, environment

import hubmaxact

PAGE = Path(__file__).parents[1] / "docs" / "python.md"
EXAMPLE = re.compile(r"```python\n(?P<code>.*?)```\n```text\n(?P<output>.*?)```\n", re.DOTALL)
MARK = "-- the next example --"


def run(codes, home):
    """What the examples print, one string each, where `alice/model` holds the measured weights."""
    for model in ("moe", "dense"):
        shutil.copytree(MODELS / model, home / "tests" / "models" / model)
    weights = {p.name: p.read_bytes() for p in (MODELS / "moe").iterdir() if p.is_file()}
    script = f"\nprint({MARK!r})\n".join(codes)
    with LoopbackHub() as hub:
        hub.create_repo("alice/model", files=weights)
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=home,
            env=environment(hub, home),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(f"{MARK}\n")


def test_every_example_prints_what_the_page_shows(tmp_path, request):
    text = PAGE.read_text("utf-8")
    examples = list(EXAMPLE.finditer(text))
    printed = run([each["code"] for each in examples], tmp_path)
    for each, output in reversed(list(zip(examples, printed, strict=True))):
        text = text[: each.start("output")] + output + text[each.end("output") :]
    if request.config.getoption("--update-goldens"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text("utf-8") == text


def test_every_example_is_one_that_is_run():
    text = PAGE.read_text("utf-8")
    assert text.count("```python\n") == len(EXAMPLE.findall(text)) >= 7


@pytest.mark.parametrize("name", hubmaxact.__all__)
def test_every_public_name_is_shown_at_work(name):
    codes = "".join(each["code"] for each in EXAMPLE.finditer(PAGE.read_text("utf-8")))
    if name == "Report":  # a type: nothing is called
        codes = PAGE.read_text("utf-8")
    assert re.search(rf"\b{name}\b", codes)
