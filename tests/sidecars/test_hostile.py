"""What lies beside a report is a stranger's: another file, or half of one, is refused."""

import hashlib
import json
import math
import os
import shutil

import pytest
from command import DENSE, hubmaxact_here

from hubmaxact import read_report, verify
from hubmaxact.report.source import find
from hubmaxact.sidecars.beside import Beside, MissingSidecarError, SidecarError
from hubmaxact.sidecars.channels import read_channels
from hubmaxact.sidecars.safetensors_bytes import StoredTensor, encoded
from hubmaxact.verification.check import Check

CHANNELS = "channels.safetensors"
FIRST = "model.layers.0.self_attn.q_proj"


def validate(folder):
    return hubmaxact_here("validate", "report.json", cwd=folder)


@pytest.fixture
def sidecar(made):
    return made / "report" / CHANNELS


def flipped(content):
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (flipped, "its sha256 is "),
        (lambda content: content[:-1], "it has less than "),
        (lambda content: content + bytes(9), "it has more than "),
        (
            lambda content: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            "Run `git lfs pull`",
        ),
    ],
)
def test_another_file_than_the_report_names_is_refused(made, sidecar, change, told):
    sidecar.write_bytes(change(sidecar.read_bytes()))
    done = validate(made)
    assert done.returncode == 1
    assert done.stdout.startswith("report.json: ")
    assert told in done.stdout
    with pytest.raises(SidecarError, match=CHANNELS):
        read_channels(read_report(made / "report.json"), find(made / "report.json"))


def test_verify_looks_at_what_lies_beside_the_report_first(made, sidecar):
    assert next(verify(made / "report.json", DENSE)) == Check(
        "sidecars", passed=True, detail="3 files, sha256 equal"
    )
    sidecar.write_bytes(flipped(sidecar.read_bytes()))
    done = hubmaxact_here("verify", "report.json", DENSE, cwd=made)
    assert done.returncode == 1
    assert done.stdout.startswith("FAIL sidecars: the channels.safetensors beside the report is")
    assert done.stdout.count("\n") == 1
    shutil.rmtree(sidecar.parent)
    assert next(verify(made / "report.json", DENSE)).name == "weights"


def test_a_pipe_is_no_file_and_is_not_waited_for(made, sidecar):
    sidecar.unlink()
    os.mkfifo(sidecar)
    assert "not a regular file" in validate(made).stdout


def test_what_is_not_there_is_missed_where_it_is_needed_and_nowhere_else(made, sidecar):
    sidecar.unlink()
    assert validate(made).returncode == 0
    report, found = read_report(made / "report.json"), find(made / "report.json")
    with pytest.raises(MissingSidecarError, match="does not lie beside it"):
        read_channels(report, found)
    with pytest.raises(MissingSidecarError, match="does not lie beside it"):
        read_channels(report, None)
    del report["sidecars"]
    with pytest.raises(MissingSidecarError, match=r"names no channels\.safetensors"):
        read_channels(report, found)


def named_by_report(folder, content):
    """Put other bytes beside a report, and their digest into it, as a stranger may."""
    path = folder / "report.json"
    report = json.loads(path.read_bytes())
    row = next(row for row in report["sidecars"] if row["name"] == CHANNELS)
    row |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    path.write_text(json.dumps(report))
    (folder / "report" / CHANNELS).write_bytes(content)
    return read_report(path), find(path)


@pytest.mark.parametrize("content", [b"short", bytes(64), b"\xff" * 64, b"\x02" + bytes(7) + b"[]"])
def test_what_is_no_safetensors_file_is_refused_in_one_sentence(made, content):
    with pytest.raises(SidecarError, match=r"channels\.safetensors is not a sound .*Measure again"):
        read_channels(*named_by_report(made, content))


def first(report):
    return next(row for row in report["linear_inputs"] if row["modules"][0] == FIRST)


def tensors(report, **changes):
    """What a row should have, with some of it changed."""
    row, num_channels = first(report), 128
    values = [0.0] * (num_channels - 1) + [row["abs_max"]]
    usual = {
        "input.abs_max": StoredTensor(values, (num_channels,)),
        "input.num_rows": StoredTensor([row["count"] // num_channels], (1,), "I64"),
    }
    given = {name.replace("__", "."): tensor for name, tensor in changes.items()}
    return {f"{FIRST}.{name}": each for name, each in (usual | given).items() if each is not None}


def peak(report):
    return first(report)["abs_max"]


WRONG = {
    "another dtype": (lambda r: StoredTensor([peak(r)] * 128, (128,), "F64"), "is F64"),
    "another shape": (lambda r: StoredTensor([peak(r)] * 128, (2, 64)), r"is F32 \[2, 64\]"),
    "another width": (lambda r: StoredTensor([peak(r)] * 64, (64,)), "has 64 channels"),
    "no channel": (lambda r: StoredTensor([], (0,)), "reaches 0"),
    "another maximum": (lambda r: StoredTensor([1e9] * 128, (128,)), r"reaches 1e\+09"),
    "a sign": (lambda r: StoredTensor([-1.0] + [peak(r)] * 127, (128,)), "no magnitude"),
    "infinity": (lambda r: StoredTensor([math.inf] * 128, (128,)), "no magnitude"),
    "NaN": (lambda r: StoredTensor([math.nan] + [peak(r)] * 127, (128,)), "no magnitude"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_tensor_that_contradicts_the_report_is_named(made, name):
    make, told = WRONG[name]
    report = read_report(made / "report.json")
    content = encoded(tensors(report, input__abs_max=make(report)), {})
    report, found = named_by_report(made, content)
    with pytest.raises(SidecarError, match=rf"{FIRST}\.input\.abs_max in {CHANNELS} .*{told}"):
        read_channels(report, found).abs_max(first(report))


def test_a_tensor_that_is_not_there_is_named(made):
    content = encoded(tensors(read_report(made / "report.json"), input__num_rows=None), {})
    report, found = named_by_report(made, content)
    with pytest.raises(MissingSidecarError, match=rf"holds no {FIRST}\.input\.num_rows"):
        read_channels(report, found).abs_max(first(report))


def test_no_more_is_read_than_the_report_says(made, sidecar):
    report, found = read_report(made / "report.json"), find(made / "report.json")
    (row,) = (row for row in report["sidecars"] if row["name"] == CHANNELS)
    with sidecar.open("ab") as file:
        file.truncate(2**40)
    with pytest.raises(SidecarError, match="it has more than"):
        Beside(found).read(row)
