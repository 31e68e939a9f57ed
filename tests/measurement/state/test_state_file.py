"""A state's file gives back what was written; whatever is done to it, that is one sentence."""

import json
import os
import random
import resource
import signal
from contextlib import contextmanager
from hashlib import sha256

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from hubmaxact.files import WriteError
from hubmaxact.measurement.state import about as texts
from hubmaxact.measurement.state.compact import BITS
from hubmaxact.measurement.state.state_file import (
    HEADER_BYTES,
    KeptState,
    StateError,
    _header,
    decode,
    encode,
    read_about,
    read_state,
    write_state,
)

RUN = {"model": {"id": "org/name", "weight_files": [{"size": 3}]}, "protocol": {"x": [1.5, None]}}
COUNTS = torch.zeros(1000, dtype=torch.int64)
COUNTS[300:340] = torch.arange(40) * 999
TENSORS = {
    "mlp_input.0/counts": COUNTS,
    "mlp_input.0/dtype": torch.empty(0, dtype=torch.bfloat16),
    "samples/abs_max": torch.tensor([1.5, torch.nan, -1.0]),
}
KEPT = KeptState(RUN, "1/4", (0, 3, 17), TENSORS)


def same(one, other):
    return facts(one) == facts(other)


def facts(kept):
    tensors = {
        name: (x.dtype, x.shape, x.view(BITS[x.element_size()]).tolist())
        for name, x in kept.tensors.items()
    }
    return kept.run, kept.share, kept.done, list(tensors), tensors


def test_it_comes_back_from_a_file_and_from_bytes(tmp_path):
    path = tmp_path / "state"
    write_state(path, KEPT)
    assert same(read_state(path), KEPT)
    assert path.read_bytes() == encode(KEPT)
    assert same(decode(encode(KEPT), "process 1"), KEPT)
    assert read_about(path).done == (0, 3, 17)
    assert [each.name for each in tmp_path.iterdir()] == ["state"]


def test_a_state_of_nothing_comes_back():
    empty = KeptState({}, "", (), {})
    assert same(decode(encode(empty), "it"), empty)


def test_it_is_a_safetensors_file_that_says_what_it_is(tmp_path):
    write_state(tmp_path / "state", KEPT)
    with safe_open(tmp_path / "state", "pt") as file:
        assert file.metadata()["format"] == "hubmaxact-state"
        about = json.loads(bytes(file.get_tensor("about").tolist()))
    assert (about["run"], about["done"]) == (RUN, [0, 3, 17])


CONTENT = encode(KEPT)
BYTES, TEXT = CONTENT[HEADER_BYTES : CONTENT.index(b'{"run"')], CONTENT[CONTENT.index(b'{"run"') :]


def test_a_file_cut_anywhere_is_one_sentence():
    for length in range(len(CONTENT)):
        with pytest.raises(StateError, match=r"^it is no whole state [^\n]+ again\.$"):
            decode(CONTENT[:length], "it")
    with pytest.raises(StateError):
        decode(CONTENT + b"\0", "it")


def test_no_bit_can_be_turned():
    for position in range(len(CONTENT)):
        turned = bytearray(CONTENT)
        turned[position] ^= 1 << (position % 8)
        with pytest.raises(StateError) as refused:
            decode(bytes(turned), "it")
        assert "\n" not in str(refused.value)


def test_no_handful_of_bytes_can_be_changed():
    choice = random.Random(5)
    for _ in range(1500):
        changed = bytearray(CONTENT)
        begin = choice.randrange(len(changed))
        changed[begin : begin + choice.randrange(9)] = choice.randbytes(choice.randrange(9))
        if changed != CONTENT:
            with pytest.raises(StateError):
                decode(bytes(changed), "it")


def with_text(change):
    """A state whose text is another one, digest and header made to fit."""
    return forged(change(json.loads(TEXT)))


def forged(text, tensors=BYTES):
    text = text if isinstance(text, bytes) else json.dumps(text).encode()
    digest = sha256(tensors + text).hexdigest()
    return _header(len(tensors), len(text), digest) + tensors + text


def row(*words):
    return lambda said: said | {"tensors": [list(words), *said["tensors"]]}


FORGED = {
    "no object": lambda _: [],
    "no batches": lambda said: {key: said[key] for key in said if key != "done"},
    "batches twice": lambda said: said | {"done": [3, 3]},
    "batches that are no numbers": lambda said: said | {"done": [True]},
    "a negative batch": lambda said: said | {"done": [-1]},
    "a share that is a number": lambda said: said | {"share": 1},
    "a run that is a list": lambda said: said | {"run": []},
    "NaN": lambda said: json.dumps(said).replace("1.5", "NaN").encode(),
    "a name twice": lambda said: json.dumps(said).replace('"size"', '"id": 1, "id"').encode(),
    "not JSON": lambda _: b"{",
    "a deep nest": lambda _: b"[" * 100_000,
    "a long number": lambda _: b"9" * 5000,
    "no text": lambda _: b"\xff\xfe",
    "tensors that are an object": lambda said: said | {"tensors": {}},
    "the same tensor twice": row(*["mlp_input.0/dtype", "bfloat16", [0], 0, 0, 0]),
    "a dtype of another library": row("x", "object", [0], 0, 0, 0),
    "a dtype that is a list": row("x", [], [0], 0, 0, 0),
    "a huge tensor of zeros": row("x", "int64", [1 << 32], 0, 0, 0),
    "many large tensors": lambda said: (
        said
        | {
            "tensors": [
                *said["tensors"],
                *([f"{n}", "int64", [1 << 26], 0, 0, 0] for n in range(40)),
            ]
        }
    ),
    "a shape beyond all": row("x", "int64", [0, 1 << 40, 1 << 40], 0, 0, 0),
    "a negative extent": row("x", "int64", [-1], 0, 0, 0),
    "wider places than there are": row("x", "int64", [300], 8, 1, 0),
    "places of nothing": row("x", "int64", [300], 2, 0, 2),
    "wider values than a dtype has": row("x", "int8", [0], 0, 2, 0),
    "more bytes than there are": row("x", "int8", [1 << 20], 0, 1, 1 << 20),
    "seven words": row("x", "int8", [0], 0, 0, 0, 0),
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_text_that_fits_its_digest_and_nothing_else_is_refused(kind):
    assert same(decode(with_text(lambda said: said), "it"), KEPT)
    with pytest.raises(StateError):
        decode(with_text(FORGED[kind]), "it")


def test_a_negative_count_is_refused_and_never_written():
    tensors = torch.tensor([-1]).numpy().tobytes()
    said = {"run": {}, "share": "", "done": [], "tensors": [["n", "int64", [1], 0, 8, 8]]}
    with pytest.raises(StateError, match="a negative count"):
        decode(forged(said, tensors), "it")
    with pytest.raises(ValueError, match="n has negative integers"):
        encode(KeptState({}, "", (), {"n": torch.tensor([-1])}))


def test_more_text_than_a_state_has_is_not_parsed(monkeypatch):
    monkeypatch.setattr(texts, "MOST_MARKS", 20)
    with pytest.raises(StateError, match="more text"):
        decode(CONTENT, "it")
    with pytest.raises(ValueError, match="more text"):
        encode(KEPT)


def test_other_files_are_named_for_what_they_are(tmp_path):
    save_file({"x": torch.ones(3)}, tmp_path / "weights")
    (tmp_path / "report").write_text('{"schema_version": "0.2"}' * 9)
    newer = CONTENT.replace(b'"version":"1"', b'"version":"2"')
    (tmp_path / "newer").write_bytes(newer)
    os.mkfifo(tmp_path / "pipe")
    said = {
        "weights": "is a safetensors file and no state of a measurement",
        "report": "is no whole state of a measurement",
        "newer": "has version 2 of a state's format, and this hubmaxact reads version 1",
        "pipe": "it is not a regular file",
        "nowhere": "No such file",
    }
    for name, words in said.items():
        with pytest.raises(StateError, match=words) as refused:
            read_state(tmp_path / name)
        assert str(tmp_path / name) in str(refused.value)


@contextmanager
def full_disk(num_bytes):
    """As small as a quota: files beyond it cannot be written."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("room", [0, 400, 600, 900])
def test_a_full_disk_leaves_the_state_before(tmp_path, room):
    path = tmp_path / "state"
    write_state(path, KEPT)
    with full_disk(room), pytest.raises(WriteError, match="Free some space"):
        write_state(path, KeptState(RUN, "", (1,), TENSORS))
    assert same(read_state(path), KEPT)
    assert [each.name for each in tmp_path.iterdir()] == ["state"]
