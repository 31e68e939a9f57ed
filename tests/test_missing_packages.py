"""Without an extra, or with one that is broken, a command says so in one sentence and exits 2."""

import gc
import subprocess
import sys
import tomllib
from contextlib import contextmanager, suppress
from importlib import invalidate_caches
from pathlib import Path

import example_reports
import pytest
from command import DENSE, hubmaxact

from hubmaxact.errors import MissingPackageError, OldPackageError, OutOfMemoryError
from hubmaxact.measurement import libraries
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.prepare import prepare
from hubmaxact.measurement.source import Source
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.verification.claim import Claim
from hubmaxact.verification.verify import verify_claim

ROOT = Path(__file__).parents[1]

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
        ("raise ValueError('numpy.dtype size changed')", "numpy.dtype size changed"),
        ("def f(:", "invalid syntax"),
    ],
)
def test_a_torch_that_cannot_be_loaded_is_not_called_missing(tmp_path, monkeypatch, code, reason):
    said = _refusal(tmp_path, monkeypatch, MissingPackageError, code)
    assert said.startswith("measuring needs torch, which is installed and cannot be loaded: ")
    assert reason in said
    assert said.endswith("Install it anew: pip install --force-reinstall torch.")


def test_a_torch_that_is_too_old_or_too_large_for_the_memory_is_called_so(tmp_path, monkeypatch):
    said = _refusal(tmp_path, monkeypatch, OldPackageError, "__version__ = '1.13.1+cu117'")
    assert said.startswith("torch 1.13.1+cu117 is installed, and 2.7 is the oldest that will do; ")
    code = "raise ImportError('libtorch_cpu.so: failed to map segment from shared object')"
    said = _refusal(tmp_path, monkeypatch, OutOfMemoryError, code)
    assert said.startswith("memory ran out while torch was loaded")


def test_a_broken_torch_is_told_before_any_long_work(tmp_path, monkeypatch):
    """Before the corpus is read, and before weights are hashed or downloaded."""
    heard = []
    watcher = Watcher()
    monkeypatch.setattr(watcher, "stage", heard.append)
    with _torch(tmp_path, monkeypatch, "raise OSError('libcudart.so.12')"):
        with pytest.raises(MissingPackageError, match="libcudart"):
            prepare(Source(DENSE), Options(corpus="no-such-corpus"), watcher)
        with pytest.raises(MissingPackageError, match="libcudart"):
            next(verify_claim(Claim(example_reports.small_report(), Source(DENSE))))
    assert heard == ["Starting torch and transformers"]


def test_the_oldest_versions_are_those_that_the_package_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = project["optional-dependencies"]["measure"]
    for package, oldest in libraries.OLDEST.items():
        assert any(each.partition(",")[0] == f"{package}>={oldest}" for each in asked)


def _refusal(folder, monkeypatch, kind, code):
    with _torch(folder, monkeypatch, code), pytest.raises(kind) as caught:
        libraries.load()
    return str(caught.value)


@contextmanager
def _torch(folder, monkeypatch, code):
    """Have `import torch` find this code."""
    (folder / "torch.py").write_text(code)
    with monkeypatch.context() as patch:
        for name in [each for each in sys.modules if each.partition(".")[0] == "torch"]:
            patch.delitem(sys.modules, name)
        patch.setattr(sys, "path", [str(folder), *sys.path])
        patch.setattr(sys, "dont_write_bytecode", True)
        invalidate_caches()
        yield
        sys.modules.pop("torch", None)


def test_what_a_library_itself_lacks_is_named():
    lacking = ModuleNotFoundError("No module named 'sympy'", name="sympy")
    said = str(MissingPackageError("torch", "measure", "measuring", lacking))
    assert (
        said == 'torch needs sympy, which is not installed; run pip install "hubmaxact[measure]".'
    )
    inner = ModuleNotFoundError("No module named 'torch._C'", name="torch._C")
    said = str(MissingPackageError("torch", "measure", "measuring", inner))
    assert "installed and cannot be loaded: No module named" in said


@pytest.mark.parametrize("was_enabled", [True, False])
def test_garbage_is_looked_for_again_when_all_is_imported(was_enabled):
    try:
        if not was_enabled:
            gc.disable()
        with suppress(ImportError), libraries.importing():
            assert not gc.isenabled()
            raise ImportError
        assert gc.isenabled() == was_enabled
    finally:
        gc.enable()
