"""`hubmaxact catalog build` says in a sentence what keeps it from working."""

import subprocess
import sys

import pytest
from command import environment, hubmaxact

from hubmaxact.catalog.sources.folder import NoFolderError
from hubmaxact.cli.catalog import WrongSourceError

WITHOUT_PYARROW = """
import sys
sys.modules["pyarrow"] = None
from hubmaxact.cli.main import main
sys.argv = ["hubmaxact", "catalog", "build", ".", "--output", "catalog"]
main()
"""


def test_the_command_works_in_a_process_of_its_own(workspace, tmp_path):
    workspace.put("a.json")
    arguments = ("catalog", "build", workspace.folder, "--output", workspace.output)
    done = hubmaxact(*arguments, home=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{workspace.output / 'index.parquet'}\n")
    assert done.stderr.startswith("28 releases: 1 measured")


def test_without_pyarrow_the_extra_is_named(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PYARROW],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "hubmaxact: the catalog needs pyarrow, which is not installed; "
        'run pip install "hubmaxact[space]".\n'
    )
    assert not (tmp_path / "catalog").exists()


def test_a_folder_or_the_hub_and_not_both(workspace):
    with pytest.raises(WrongSourceError, match="and not both"):
        workspace.build("--from-hub")


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.write_bytes(b"")])
def test_a_missing_folder_is_said_and_nothing_is_written(workspace, tmp_path, make):
    workspace.folder = tmp_path / "nowhere"
    make(workspace.folder)
    with pytest.raises(NoFolderError, match=r"cannot list .*nowhere"):
        workspace.build()
    assert not (workspace.output / "index.parquet").exists()


def test_an_empty_folder_gives_the_papers_rows_alone(workspace):
    assert "27 releases: 0 measured, 27 reported" in workspace.build().stderr
