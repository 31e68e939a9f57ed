"""The face of the package: thirteen names, loaded when used, typed, and explained by `help()`."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import environment

import hubmaxact

NAMES = {
    "HubmaxactError", "Options", "Report", "audit", "check", "compare", "export", "measure",
    "push", "read_report", "validate", "verify", "write_report",
}  # fmt: skip
FUNCTIONS = sorted(name for name in NAMES if name.islower())
HEAVY = ("torch", "transformers", "numpy", "click", "rich", "huggingface_hub", "jsonschema")
TYPED = Path(__file__).parent / "typed_caller.py"


def fresh(script, home):
    """What a script prints in an interpreter that has imported nothing yet."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_it_is_the_wheel_that_is_tested():
    """Where make has built one; an editor's run is of the working tree."""
    built = "HUBMAXACT_TEST_WHEEL" in os.environ
    assert ("site-packages" in hubmaxact.__file__) or not built


def test_there_are_thirteen_names():
    assert set(hubmaxact.__all__) == NAMES
    assert set(dir(hubmaxact)) >= NAMES | {"__version__"}
    assert {name for name in dir(hubmaxact) if not name.startswith("_")} >= NAMES


def test_importing_the_package_loads_nothing_heavy(tmp_path):
    script = f"import hubmaxact, sys; print(*({set(HEAVY)} & set(sys.modules)))"
    assert fresh(script, tmp_path) == []


def test_reading_a_report_needs_neither_torch_nor_the_hub(tmp_path):
    script = """
import sys, hubmaxact
hubmaxact.validate({}), hubmaxact.Options(), hubmaxact.compare, hubmaxact.check
print(*({"torch", "transformers", "numpy", "click", "huggingface_hub"} & set(sys.modules)))
"""
    assert fresh(script, tmp_path) == []


def test_a_checkpoint_is_refused_without_torch(tmp_path):
    script = f"""
import sys, hubmaxact
try:
    hubmaxact.measure({str(tmp_path)!r})
except hubmaxact.HubmaxactError as error:
    print(type(error).__name__, "torch" in sys.modules)
"""
    assert fresh(script, tmp_path) == ["NoCheckpointError", "False"]


def test_rooms_that_are_imported_first_hide_no_function(tmp_path):
    script = f"""
import hubmaxact.measurement.run, hubmaxact.verification.verify, hubmaxact.publication.push
import hubmaxact.comparison.build, hubmaxact.gate.gate, hubmaxact.report.validate
import hubmaxact.engine_files.export, hubmaxact.shipped_scales.audit
from hubmaxact import *
from hubmaxact import measure
import hubmaxact
print(*(inspect.isfunction(getattr(hubmaxact, name)) for name in {FUNCTIONS}))
"""
    assert fresh(f"import inspect\n{script}", tmp_path) == ["True"] * len(FUNCTIONS)


def test_a_name_is_the_one_of_its_room():
    from hubmaxact.comparison.build import compare
    from hubmaxact.measurement.run import measure

    assert (hubmaxact.measure, hubmaxact.compare) == (measure, compare)


def test_another_name_is_no_attribute():
    with pytest.raises(AttributeError, match="module 'hubmaxact' has no attribute 'measur'"):
        _ = hubmaxact.measur


@pytest.mark.parametrize("name", FUNCTIONS)
def test_help_names_every_argument(name):
    function = getattr(hubmaxact, name)
    text = inspect.getdoc(function)
    _, _, arguments = text.partition("\nArgs:\n")
    for argument in inspect.signature(function).parameters:
        assert f"{argument}: " in arguments
    assert ("\nReturns:\n" in text) == (name != "write_report")


def test_help_names_every_option():
    text = inspect.getdoc(hubmaxact.Options)
    for option in hubmaxact.Options.__dataclass_fields__:
        assert f"\n    {option}: " in text


@pytest.mark.nightly
def test_mypy_sees_the_types_of_a_caller(tmp_path):
    config = tmp_path / "mypy.ini"
    # What is behind the face has types of its own; looking into torch takes minutes.
    skipped = "[mypy-torch.*,transformers.*,numpy.*]\nfollow_imports = skip\n"
    config.write_text(f"[mypy]\nstrict = true\n{skipped}")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", f"--config-file={config}", "--cache-dir=/dev/null", TYPED],
        cwd=tmp_path,  # where nothing stands before the package that is installed
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "Success: no issues found in 1 source file\n"
