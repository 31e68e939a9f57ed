"""What a folder or a repository is: the same answer of both, and the true one."""

import json
import re
import subprocess
import sys

import pytest
from loopback_hub import LoopbackHub, environment
from recognition.places import CHECKPOINTS, NO_CHECKPOINTS, POINTER, WEIGHTS

from hubmaxact.errors import HubmaxactError, NoCheckpointError
from hubmaxact.recognition.folder import Folder, not_here
from hubmaxact.recognition.recognize import recognize, what_file

ON_THE_HUB = """
import json, sys
from hubmaxact.errors import HubmaxactError
from hubmaxact.hub.repository import resolve_commit
from hubmaxact.recognition.recognize import recognize
from hubmaxact.recognition.repository import Repository
for repo_id in json.load(sys.stdin):
    try:
        recognize(Repository(repo_id, resolve_commit(repo_id)))
    except HubmaxactError as error:
        print(json.dumps([type(error).__name__, str(error)]))
    else:
        print(json.dumps(["", ""]))
"""


@pytest.fixture
def place(tmp_path):
    """A folder with these files."""

    def fill(files, name="place"):
        folder = tmp_path / name
        folder.mkdir()
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        return folder

    return fill


def test_what_is_no_checkpoint_is_called_by_its_name(place):
    for number, (words, kind, files) in enumerate(NO_CHECKPOINTS):
        with pytest.raises(HubmaxactError, match=words) as caught:
            recognize(Folder(place(files, f"place-{number}")))
        assert type(caught.value) is kind, words
        assert "\n" not in str(caught.value)


def test_only_what_transformers_loads_counts_as_the_weights(place):
    for number, (loaded, beside, files) in enumerate(CHECKPOINTS):
        weights = recognize(Folder(place(files, f"place-{number}"))).weights
        assert (weights.files, weights.beside) == (loaded, beside)


def test_a_repository_is_told_apart_as_a_folder_is(tmp_path):
    # A shell's escape is no name in git here, and two million values take a while.
    rows = [row for row in NO_CHECKPOINTS if "many values" not in row[0] and "u001b" not in row[0]]
    with LoopbackHub() as hub:
        for number, (_, _, files) in enumerate(rows):
            plain = {"gitattributes": b""} if POINTER in files.values() else {}
            hub.create_repo(f"alice/place-{number}", files=files, **plain)
        names = [f"alice/place-{number}" for number in range(len(rows))]
        done = subprocess.run(
            [sys.executable, "-c", ON_THE_HUB],
            input=json.dumps(names),
            env=environment(hub, tmp_path, None),
            capture_output=True,
            check=False,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        fetched = [each.target for each in hub.asked("GET", "/resolve/")]
    for (words, kind, _), line in zip(rows, done.stdout.splitlines(), strict=True):
        name, sentence = json.loads(line)
        assert name == kind.__name__, sentence
        assert re.search(words, sentence), sentence
        assert str(tmp_path) not in sentence
    # Pointers are as small as they look; nothing else that holds weights was fetched.
    weights = [target for target in fetched if target.endswith((".safetensors", ".bin", ".gguf"))]
    assert len(weights) == 1


@pytest.mark.parametrize("name", ["a.gguf", "pytorch_model.bin", "model.onnx"])
def test_a_file_is_told_by_its_name(place, name):
    assert "(" + name + ")" in str(what_file(Folder(place({name: b"x"})), name))
    assert what_file(Folder(place({}, "other")), "notes.txt") is None


def test_a_folder_of_a_name_like_it_is_proposed(place, monkeypatch):
    monkeypatch.chdir(place({"checkpoints/my-model/config.json": b"{}"}))
    assert not_here("checkpoints/my-modle") == (
        "No folder checkpoints/my-modle is here; checkpoints/my-model is."
    )
    for name in ("nothing/like/it", "a\0b", "x" * 5000):
        assert re.fullmatch(r"No folder .+ is here\.", not_here(name))


def test_inner_folders_are_looked_into_no_further_than_is_quick(place):
    deep = place({"a/b/c/d/e/model.safetensors": b"x", ".hidden/model.safetensors": b"x"})
    (deep / "loop").symlink_to(deep)
    assert Folder(deep).deeper == frozenset()
    with pytest.raises(NoCheckpointError, match="no file lies there"):
        recognize(Folder(deep))


def test_a_folder_that_cannot_be_read_is_named(place):
    folder = place(WEIGHTS)
    with pytest.raises(
        NoCheckpointError, match=r"cannot read the folder .*config\.json: Not a dir"
    ):
        Folder(folder / "config.json")
