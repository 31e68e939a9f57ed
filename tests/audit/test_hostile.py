"""Files by anybody: refused in one sentence, or read no further than they are of use."""

import copy
import json
import math
import struct

import pytest
from audit import checkpoints as made
from hypothesis import given, settings
from hypothesis import strategies as st

from hubmaxact.errors import HubmaxactError, IncompleteWeightsError, UnsafeCheckpointError
from hubmaxact.recognition.folder import Folder
from hubmaxact.recognition.safetensors_header import TensorEntry
from hubmaxact.shipped_scales.audit import audit
from hubmaxact.shipped_scales.declaration import declaration
from hubmaxact.shipped_scales.small_tensors import MOST_PIECES, NEAR, Small, contents
from hubmaxact.shipped_scales.stored_numbers import numbers_in
from hubmaxact.shipped_scales.to_json import render
from hubmaxact.shipped_scales.watcher import Watcher

REPORT = made.deployment_report()
FP8 = made.said_modelopt()
KEYS = ("quant_method", "quant_algo", "quantized_layers", "config_groups", "kv_cache_scheme")
INNER = ("input_activations", "observer", "dynamic", "strategy", "num_bits", "type", "quant_algo")
LEAF = st.sampled_from([None, True, 0, -1.5, "x", "", [], ["x"], {}, {"x": []}])
ANYTHING = LEAF | st.dictionaries(
    st.sampled_from(INNER), LEAF | st.dictionaries(st.sampled_from(INNER), LEAF)
)


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING | st.fixed_dictionaries({"x": ANYTHING})))
def test_a_configuration_may_say_anything(said):
    found = declaration(said)
    assert isinstance(found.method, str)
    assert all(isinstance(name, str) for name in found.input_observers)


@settings(max_examples=100)
@given(st.sampled_from(["BF16", "F16", "F32"]), st.binary(min_size=4, max_size=4))
def test_any_bytes_of_a_scale_give_a_row_that_json_can_hold(tmp_path_factory, dtype, content):
    tensors = made.fp8_modelopt(REPORT)
    held = content[: made.BITS[dtype] // 8]
    tensors["model.layers.0.mlp.up_proj.input_scale"] = (dtype, [], held)
    folder = made.write(tmp_path_factory.mktemp("q"), tensors, FP8)
    assert len(json.loads(render(audit(REPORT, folder)))["rows"]) == 18


def test_the_smallest_of_scales_is_told_without_a_number_that_is_none(tmp_path):
    tensors = made.fp8_modelopt(REPORT)
    tensors["model.layers.0.mlp.up_proj.input_scale"] = ("F64", [], struct.pack("<d", 5e-324))
    found = audit(REPORT, made.write(tmp_path / "q", tensors, FP8))
    (row,) = [row for row in found.rows if row.fails]
    assert (row.verdict, row.ratio) == ("saturates", None)
    assert "Infinity" not in render(found)


@pytest.mark.parametrize(
    "changed",
    [
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: content.replace(b'"F32"', b'"F16"', 1),
        lambda content: struct.pack("<Q", 1 << 60) + content[8:],
        lambda content: content[:100],
        lambda content: b"",
    ],
)
def test_a_file_that_contradicts_itself_is_refused(tmp_path, changed):
    folder = made.write(tmp_path / "q", made.fp8_modelopt(REPORT), FP8)
    path = folder / "model.safetensors"
    path.write_bytes(changed(path.read_bytes()))
    with pytest.raises(UnsafeCheckpointError, match="not a sound safetensors file"):
        audit(REPORT, folder)


def test_an_index_that_lies_is_refused(tmp_path):
    folder = made.write(tmp_path / "q", made.fp8_modelopt(REPORT), FP8)
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    index = folder / "model.safetensors.index.json"
    for shard, error in (
        ("../x.safetensors", UnsafeCheckpointError),
        ("model-1.safetensors", IncompleteWeightsError),
    ):
        index.write_text(json.dumps({"weight_map": {"model.no.such": shard}}))
        with pytest.raises(error):
            audit(REPORT, folder)


def test_names_reach_a_terminal_harmless(tmp_path):
    tensors = made.fp8_modelopt(REPORT)
    tensors["model.layers.0.mlp.up_proj.input_scale"] = made.scalar(1e-6)
    said = {**FP8, "quant_method": "\x1b[31mred\u202e"}
    folder = made.write(tmp_path / "q", tensors, said)
    with pytest.raises(HubmaxactError, match="1 of 18 scales failed"):
        raise_failed(folder)
    assert "\x1b" not in shown(folder)


def raise_failed(folder):
    from hubmaxact.shipped_scales.audit import AuditFailedError

    raise AuditFailedError(audit(REPORT, folder))


def shown(folder):
    from io import StringIO

    from rich.console import Console

    from hubmaxact.shipped_scales.to_terminal import show

    out = StringIO()
    show(audit(REPORT, folder), Console(file=out, width=100))
    return out.getvalue()


class TestSmallTensors:
    def small(self, name, begin, num_bytes=4):
        return Small(name, "f", TensorEntry("F32", (num_bytes // 4,), num_bytes, begin))

    def test_those_that_lie_close_are_read_at_once(self, tmp_path):
        (tmp_path / "f").write_bytes(bytes(range(256)) * 1024)
        far = NEAR + 100
        listing, asked = Folder(tmp_path), []
        part = listing.part
        listing.part = lambda *span: asked.append(span) or part(*span)
        wanted = [self.small("b", 20), self.small("a", 8), self.small("c", far)]
        found = contents(listing, wanted, Watcher())
        assert asked == [("f", 8, 16), ("f", far, 4)]
        assert found["b"] == bytes(range(20, 24))
        assert found["c"][0] == far % 256

    def test_more_places_than_anybody_has_are_not_read(self, tmp_path):
        listing = Folder(tmp_path)
        wanted = [self.small(str(n), n * (NEAR + 8)) for n in range(MOST_PIECES + 1)]
        with pytest.raises(UnsafeCheckpointError, match="places of its files"):
            contents(listing, wanted, Watcher())

    def test_a_file_that_shrinks_meanwhile_is_told(self, tmp_path):
        (tmp_path / "f").write_bytes(b"1234567")
        with pytest.raises(UnsafeCheckpointError, match="become shorter"):
            contents(Folder(tmp_path), [self.small("a", 4)], Watcher())


def test_more_scales_than_anybody_has_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("hubmaxact.shipped_scales.shipped.MOST_ROWS", 17)
    folder = made.write(tmp_path / "q", made.fp8_modelopt(REPORT), FP8)
    with pytest.raises(UnsafeCheckpointError, match="more than 17 scales"):
        audit(REPORT, folder)


def test_numbers_of_eight_bits_are_what_the_formats_say():
    e4m3 = numbers_in("F8_E4M3", bytes([0x00, 0x01, 0x08, 0x38, 0x3C, 0x7E, 0xBC]))
    assert e4m3 == (0.0, 2.0**-9, 2.0**-6, 1.0, 1.5, 448.0, -1.5)
    assert math.isnan(numbers_in("F8_E4M3", b"\xff")[0])
    assert numbers_in("F8_E8M0", bytes([0, 127, 130])) == (2.0**-127, 1.0, 8.0)
    assert math.isnan(numbers_in("F8_E8M0", b"\xff")[0])
    assert numbers_in("BF16", b"\x80\x3f\x80\xbf") == (1.0, -1.0)


def test_the_report_is_left_as_it_was(tmp_path):
    before = copy.deepcopy(REPORT)
    audit(REPORT, made.write(tmp_path / "q", made.fp8_modelopt(REPORT), FP8))
    assert before == REPORT


@pytest.mark.nightly
def test_numbers_of_every_code_are_those_of_torch():
    import torch

    codes = torch.arange(256, dtype=torch.uint8)
    for dtype, name in ((torch.float8_e4m3fn, "F8_E4M3"), (torch.float8_e8m0fnu, "F8_E8M0")):
        expected = codes.view(dtype).float()
        found = torch.tensor(numbers_in(name, bytes(range(256))))
        assert torch.equal(found.nan_to_num(-7), expected.nan_to_num(-7)), name
    bits = torch.arange(-32768, 32768, dtype=torch.int16)
    found = torch.tensor(numbers_in("BF16", bits.numpy().tobytes()))
    assert torch.equal(found.nan_to_num(-7), bits.view(torch.bfloat16).float().nan_to_num(-7))
