"""Measuring and verifying with a checkpoint's own code, from the command line, over a real Hub."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
from command import DENSE, hubmaxact_here
from loopback_hub import LoopbackHub, environment, run_cli
from own_code_model import CODE, own_code_model, write
from safetensors.numpy import load_file
from user_namespaces import FORBID, PERMITTED

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.measurement.checkpoint.own_code import needed_code, own_code
from hubmaxact.recognition.folder import Folder
from hubmaxact.verification.claim import UntrustedCodeError, read_claim

permitted = pytest.mark.skipif(not PERMITTED, reason="user namespaces are forbidden here")
TEXTS = '{"text": "fine words of a text"}\n{"text": "Zwei Zeilen\\nText"}\n'
NOT_PERMITTED = "a checkpoint's own code runs only in a process without network and without your"


@pytest.fixture(scope="module")
def hub():
    with LoopbackHub() as running:
        yield running


@pytest.fixture
def home(tmp_path):
    (tmp_path / "texts.jsonl").write_text(TEXTS)
    return tmp_path


def published(hub, name, **how):
    """A repository of such a checkpoint, and the words that measure it."""
    repo = hub.create_repo(name, files=own_code_model(**how))
    commit = repo.refs["refs/heads/main"]
    options = ("--trust-remote-code", "--corpus", "texts.jsonl", "--output", "report.json")
    return commit, ("measure", name, "--revision", commit, *options)


def fetched(home):
    """Names of weights and code in the cache."""
    links = (home / "hf" / "hub").rglob("snapshots/*/*")
    return sorted(path.name for path in links if path.suffix in {".py", ".safetensors"})


@permitted
def test_it_measures_what_the_same_weights_measure_natively(hub, home):
    commit, words = published(hub, "alice/tiny")
    done = run_cli(words, hub, home)
    assert done.code == 0, done.stderr
    assert f"Running the checkpoint's own code ({', '.join(CODE)} at {commit[:7]})" in (
        " ".join(done.stderr.split())
    )
    assert f"measured with the checkpoint's own code at {commit[:12]}" in (
        " ".join(done.stdout.split())
    )
    assert fetched(home) == sorted([*CODE, "model.safetensors"])
    report = json.loads((home / "report.json").read_text())
    native = hubmaxact_here(
        *("measure", DENSE, "--corpus", "texts.jsonl", "--output", "native.json"), cwd=home
    )
    assert native.returncode == 0
    expected = json.loads((home / "native.json").read_text())
    told_of_both = dict.fromkeys(("model", "schema_version", "environment", "sidecars"))
    assert {**report, **told_of_both} == {**expected, **told_of_both}
    for row in expected["sidecars"][:2]:  # which say whose they are
        one, other = (load_file(home / name / row["name"]) for name in ("report", "native"))
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[name], other[name]) for name in one)
    assert report["model"]["weight_files"] == expected["model"]["weight_files"]
    assert report["model"]["remote_code"] is True
    files = own_code_model()
    assert report["model"]["remote_code_files"] == [
        {"path": n, "size": len(files[n]), "sha256": hashlib.sha256(files[n]).hexdigest()}
        for n in CODE
    ]
    with pytest.raises(UntrustedCodeError, match=rf"alice/tiny at {commit}.*--trust-remote-code"):
        read_claim(str(home / "report.json"))
    assert hubmaxact_here("validate", "report.json", cwd=home).returncode == 0


def refused_unconfined(hub, home, words, *before):
    done = subprocess.run(
        [sys.executable, *before, "-m", "hubmaxact", *words],
        env=environment(hub, home),
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"hubmaxact: {NOT_PERMITTED}" in done.stderr
    assert fetched(home) == []
    assert not (home / "report.json").exists()


@pytest.mark.skipif(PERMITTED, reason="user namespaces are permitted here")
def test_where_the_system_forbids_to_shut_it_off_nothing_is_fetched_or_run(hub, home):
    _, words = published(hub, "alice/forbidden")
    refused_unconfined(hub, home, words)


@permitted
@pytest.mark.nightly
def test_where_namespaces_are_made_impossible_nothing_is_fetched_or_run(hub, home):
    _, words = published(hub, "alice/impossible")
    refused_unconfined(hub, home, words, "-c", FORBID)


class TestWhatIsNeeded:
    def test_nothing_where_a_native_class_does_without(self, tmp_path):
        config = json.loads((DENSE / "config.json").read_text())
        files = own_code_model(model_type="qwen3", architectures=["Qwen3ForCausalLM"])
        folder = write(tmp_path / "native", files)
        config = json.loads((folder / "config.json").read_text())
        assert needed_code(folder, config) is None
        assert own_code(Folder(folder), config) is None

    def test_a_class_of_another_kind_of_model_will_not_do(self, tmp_path):
        folder = write(tmp_path / "tiny", own_code_model(auto_map={"AutoConfig": "a.B"}))
        with pytest.raises(UnsafeCheckpointError, match="names no AutoModelForCausalLM and no"):
            needed_code(folder, json.loads((folder / "config.json").read_text()))

    def test_the_fast_tokenizer_of_two(self, tmp_path):
        files = own_code_model(model_type="qwen3", architectures=["Qwen3ForCausalLM"])
        tokenizer = {"auto_map": {"AutoTokenizer": ["own.Slow", "own.Fast"]}}
        del files["tokenizer.json"]
        files |= {"tokenizer_config.json": json.dumps(tokenizer).encode()}
        folder = write(tmp_path / "tiny", files)
        code = needed_code(folder, json.loads(files["config.json"]))
        assert code is not None
        assert (code.model, code.tokenizer) == (None, "own.Fast")


HOSTILE = """
import os, socket
found = [os.environ.get(name) for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")]
for path in {paths}:
    found.append(os.path.lexists(path))
try:
    socket.create_connection(("127.0.0.1", {port})); found.append("reached")
except OSError as error:
    found.append(error.strerror)
try:
    open({report}, "w"); found.append("written")
except OSError as error:
    found.append(error.strerror)
raise RuntimeError(found)
"""
FORGED = """
import gc, io, json, os
from hubmaxact.confinement import messages
for one in gc.get_objects():
    if isinstance(one, io.BufferedWriter) and one.fileno() > 2:
        messages.write(one, "report", json.loads({report}))
        messages.write(one, "done")
os._exit(0)
"""


@permitted
@pytest.mark.nightly
class TestHostile:
    def test_it_finds_no_token_no_network_and_no_place_for_a_report(self, hub, home):
        token, report = home / "hf" / "token", home / "report.json"
        token.parent.mkdir()
        token.write_text("hf_secret")
        paths, port = [str(token), str(home / "texts.jsonl")], int(hub.url.rpartition(":")[2])
        first = HOSTILE.format(paths=paths, port=port, report=repr(str(report)))
        _, words = published(hub, "alice/hostile", first=first)
        done = run_cli(words, hub, home)
        assert done.code == 2
        assert "RuntimeError: [None, None, False, False, 'Network is unreachable', " in (
            " ".join(done.stderr.split())
        )
        assert not report.exists()
        assert token.read_text() == "hf_secret"

    def test_an_early_end_is_no_success(self, hub, home):
        _, words = published(hub, "alice/early", first="import os; os._exit(0)")
        done = run_cli(words, hub, home)
        assert done.code == 2
        assert done.stderr.endswith("code: it ended before it was done (exit code 0).\n")
        assert not (home / "report.json").exists()

    def test_a_forged_report_says_what_is_known_of_it(self, hub, home):
        native = ("measure", DENSE, "--corpus", "texts.jsonl", "--output", "native.json")
        assert hubmaxact_here(*native, cwd=home).returncode == 0
        forged = json.loads((home / "native.json").read_text())
        forged["model"] |= {"id": "meta/famous", "commit": "0" * 40}
        first = FORGED.format(report=repr(json.dumps(forged)))
        commit, words = published(hub, "alice/forged", first=first)
        done = run_cli(words, hub, home)
        assert done.code == 0, done.stderr
        model = json.loads((home / "report.json").read_text())["model"]
        assert (model["id"], model["commit"]) == ("alice/forged", commit)
        assert model["remote_code"] is True
        forged["sites"] = []
        _, words = published(
            hub, "alice/invalid", first=FORGED.format(report=repr(json.dumps(forged)))
        )
        done = run_cli([*words[:-1], "other.json"], hub, home)
        assert done.code == 2
        assert "code: it made a report that is none: " in done.stderr
        assert not (home / "other.json").exists()


@permitted
@pytest.mark.nightly
class TestVerify:
    def test_it_is_reproduced_and_other_code_never_runs(self, hub, home):
        commit, words = published(hub, "alice/verified")
        assert run_cli(words, hub, home).code == 0
        verify = ("verify", "report.json", "--corpus", "texts.jsonl", "--trust-remote-code")
        done = run_cli(verify, hub, home)
        assert done.code == 0, done.stderr
        lines = done.stdout.splitlines()
        assert "ok   code: 2 files, sha256 equal" in lines
        assert lines[-1].startswith("Reproduced: M = ")
        other = run_cli((*verify, "--revision", "main"), hub, home)
        assert other.code == 2
        assert f"own code at {commit}, and only that code" in other.stderr
        (cached,) = (home / "hf" / "hub").rglob("modeling_tiny.py")
        cached.unlink()
        cached.write_text("from .configuration_tiny import TinyConfig\nraise SystemExit")
        done = run_cli(verify, hub, home, extra={"HF_HUB_OFFLINE": "1"})
        assert done.code == 1
        assert done.stdout.splitlines()[-1] == (
            "FAIL code: modeling_tiny.py is not the file that the report names"
        )


@permitted
@pytest.mark.nightly
def test_a_tokenizer_of_its_own(hub, home):
    code = (
        "from transformers import PreTrainedTokenizerFast\n"
        "class OwnTokenizer(PreTrainedTokenizerFast):\n"
        "    def __init__(self, own_file=None, **how):\n"
        "        how.pop('tokenizer_file', None)\n"
        "        super().__init__(tokenizer_file=own_file, **how)\n"
        "    vocab_files_names = {'own_file': 'own.tiktoken'}\n"
    )
    files = own_code_model(model_type="qwen3", architectures=["Qwen3ForCausalLM"])
    said = json.loads(files["tokenizer_config.json"])
    said |= {
        "tokenizer_class": "OwnTokenizer",
        "auto_map": {"AutoTokenizer": ["own.OwnTokenizer", None]},
    }
    files["own.tiktoken"] = files.pop("tokenizer.json")
    files |= {"tokenizer_config.json": json.dumps(said).encode(), "own.py": code.encode()}
    repo = hub.create_repo("alice/tokenizer", files=files)
    words = ("measure", "alice/tokenizer", "--revision", repo.refs["refs/heads/main"])
    words += ("--trust-remote-code", "--corpus", "texts.jsonl", "--output", "report.json")
    done = run_cli(words, hub, home)
    assert done.code == 0, done.stderr
    assert "custom code that config.json asked for" in " ".join(done.stderr.split())
    model = json.loads((home / "report.json").read_text())["model"]
    assert [file["path"] for file in model["remote_code_files"]] == ["own.py"]
    assert model["model_type"] == "qwen3"
