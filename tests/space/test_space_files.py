"""What the Hub reads of the Space's folder: front matter and requirements."""

import re
from importlib.metadata import version

import yaml
from packaging.requirements import Requirement

import hubmaxact
from space.serving import SPACE

COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


def front_matter():
    _, matter, _ = (SPACE / "README.md").read_text("utf-8").split("---\n", 2)
    return yaml.safe_load(matter)


def requirements():
    lines = (SPACE / "requirements.txt").read_text("utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {requirement.name: requirement for requirement in found}


def test_the_front_matter_is_what_the_hub_takes():
    matter = front_matter()
    assert matter["sdk"] == "gradio"
    assert (SPACE / matter["app_file"]).is_file()
    assert {matter["colorFrom"], matter["colorTo"]} <= COLOURS
    assert len(matter["short_description"]) <= 60
    assert isinstance(matter["python_version"], str)
    assert isinstance(matter["sdk_version"], str)


def test_gradio_is_the_one_that_was_tested_and_is_named_once():
    assert front_matter()["sdk_version"] == version("gradio")
    assert "gradio" not in requirements()


def test_everything_else_that_the_space_needs_is_pinned():
    needed = requirements()
    assert str(needed["hubmaxact"].specifier) == f"=={hubmaxact.__version__}"
    assert str(needed["pyarrow"].specifier) == f"=={version('pyarrow')}"
    assert len(needed) == 2


def test_every_variable_that_is_read_is_explained():
    told = (SPACE / "README.md").read_text("utf-8")
    read = re.findall(r'"(HUBMAXACT_\w+)"', (SPACE / "settings.py").read_text("utf-8"))
    assert len(read) == 3
    assert all(f"`{name}`" in told for name in read)
