"""Without an extra, or with one that is broken, a command says so in one sentence and exits 2."""

import subprocess
import sys

import pytest
from command import DENSE, hubmaxact

from hubmaxact.errors import MissingPackageError
from hubmaxact.measurement import libraries

BLOCKED = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "transformers", "accelerate", "pyarrow"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
"""
FROM_PYTHON = f"""
import json, sys
import hubmaxact
from hubmaxact.catalog.build import build_from_folder
from pathlib import Path
for call in (
    lambda: hubmaxact.measure("alice/model"),
    lambda: hubmaxact.measure({str(DENSE)!r}),
    lambda: hubmaxact.verify("no-such-report.json"),
    lambda: build_from_folder(Path("."), Path("catalog")),
):
    try: call()
    except hubmaxact.HubmaxactError as error: print(error.exit_code, error)
"""
SENTENCE = '2 {} needs {}, which is not installed; run pip install "hubmaxact[{}]".'


@pytest.fixture
def without(tmp_path, monkeypatch):
    """A folder of modules that come before all others."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")
    return folder


def test_a_base_install_says_what_to_install(without, tmp_path):
    (without / "sitecustomize.py").write_text(BLOCKED)
    done = subprocess.run(
        [sys.executable, "-c", FROM_PYTHON],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    measuring = SENTENCE.format("measuring", "torch", "measure")
    assert done.stdout.splitlines() == [
        measuring,
        measuring,
        measuring,
        SENTENCE.format("the catalog", "pyarrow", "space"),
    ]
    done = hubmaxact("measure", "alice/model", home=tmp_path)
    assert (done.returncode, done.stderr) == (2, f"hubmaxact: {measuring[2:]}\n")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (
            "raise ImportError('libcudart.so.13: cannot open\\n it')",
            "libcudart.so.13: cannot open it",
        ),
        ("raise OSError('libgomp.so.1: no such file')", "libgomp.so.1: no such file"),
        ("", "no attribute 'tensor'"),
    ],
)
def test_a_torch_that_cannot_be_loaded_is_not_called_missing(tmp_path, monkeypatch, code, reason):
    (tmp_path / "torch.py").write_text(code)
    for name in [each for each in sys.modules if each.partition(".")[0] == "torch"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    with pytest.raises(MissingPackageError) as caught:
        libraries.load()
    sys.modules.pop("torch", None)
    said = str(caught.value)
    assert said.startswith("measuring needs torch, which is installed and cannot be loaded: ")
    assert reason in said
    assert said.endswith("Install it anew: pip install --force-reinstall torch.")


def test_what_a_library_itself_lacks_is_named():
    lacking = ModuleNotFoundError("No module named 'sympy'", name="sympy")
    said = str(MissingPackageError("torch", "measure", "measuring", lacking))
    assert (
        said == 'torch needs sympy, which is not installed; run pip install "hubmaxact[measure]".'
    )
    inner = ModuleNotFoundError("No module named 'torch._C'", name="torch._C")
    said = str(MissingPackageError("torch", "measure", "measuring", inner))
    assert "installed and cannot be loaded: No module named" in said
