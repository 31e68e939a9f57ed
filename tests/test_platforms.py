"""Without torch, everything works on any platform: what Windows lacks is taken away here first."""

import subprocess
import sys
from pathlib import Path

import pytest
from command import environment

TESTS = Path(__file__).parent
SMOKE = TESTS / "smoke.py"
# Others' packages know Windows themselves, so they are imported before anything is taken away.
NO_POSIX = """
import errno, importlib, os, pkgutil, sys
import asyncio, multiprocessing
import filelock, huggingface_hub.file_download, huggingface_hub.hf_api, jsonschema, yaml
import pyarrow.parquet, rich.progress
pyarrow.array([])  # looks for pandas
for name in ("fcntl", "grp", "pwd", "resource", "termios", "tty"):
    sys.modules[name] = None
for name in ("O_DIRECTORY", "fork", "getuid", "geteuid", "chown", "mkfifo", "uname", "sysconf"):
    delattr(os, name)
really_open = os.open
def open_no_folder(path, *rest, **named):
    if os.path.isdir(path):
        raise PermissionError(errno.EACCES, "Permission denied", path)
    return really_open(path, *rest, **named)
os.open = open_no_folder
"""
IMPORT_ALL = """
import hubmaxact
WITH_TORCH = ("hubmaxact.measurement", "hubmaxact.verification", "hubmaxact.__main__")
count = 0
for module in pkgutil.walk_packages(hubmaxact.__path__, "hubmaxact."):
    if not module.name.startswith(WITH_TORCH):
        importlib.import_module(module.name)
        count += 1
print(count, "torch" in sys.modules)
"""
WRITE = """
from pathlib import Path
from hubmaxact.catalog.build import build_from_folder
from hubmaxact.catalog.store import read_index
from hubmaxact.files import write_bytes
folder = Path(sys.argv[1])
(folder / "reports").mkdir()
write_bytes(folder / "reports" / "no.json", b"[]")
for _ in range(2):
    build_from_folder(folder / "reports", folder / "catalog")
print(read_index(folder / "catalog").table().num_rows, sorted(os.listdir(folder / "catalog")))
"""


def python(*command, home):
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        env=environment(home),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_without_torch_is_imported_where_posix_ends(tmp_path):
    count, torch = python("-c", NO_POSIX + IMPORT_ALL, home=tmp_path).split()
    assert (int(count) > 100, torch) == (True, "False")


def test_files_and_a_catalog_are_written_where_no_folder_can_be_opened(tmp_path):
    printed = python("-c", NO_POSIX + WRITE, tmp_path, home=tmp_path)
    assert printed == "27 ['index.parquet', 'manifest.json']\n"


@pytest.mark.nightly
def test_the_commands_do_their_work_in_an_installation_of_their_own(tmp_path):
    printed = python(SMOKE, home=tmp_path)
    names = ("sections", "catalog", "audit", "export", "push")
    assert printed == "".join(f"check_{name}: ok\n" for name in names)
