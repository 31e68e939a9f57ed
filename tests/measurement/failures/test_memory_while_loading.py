"""Memory that really runs out while weights are loaded: files larger than any machine's memory."""

import json
from struct import pack

import pytest
from oracle import tiny

from hubmaxact.errors import OutOfMemoryError
from hubmaxact.measurement.checkpoint.load import load
from hubmaxact.measurement.checkpoint.weight_files import inspect

VOCABULARY = 1 << 35
TABLE = "model.embed_tokens.weight"


@pytest.fixture
def endless(tmp_path):
    """A checkpoint with a table of 2 TB: a file with a hole, of which the disk holds nothing."""
    folder = tiny.build("qwen3", tmp_path / "endless")
    config = json.loads((folder / "config.json").read_text())
    config |= {"vocab_size": VOCABULARY, "tie_word_embeddings": True}
    (folder / "config.json").write_text(json.dumps(config))
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header, position = json.loads(content[8 : 8 + length]), 0
    header.pop("lm_head.weight", None)
    header[TABLE] = header.pop(TABLE) | {"shape": [VOCABULARY, config["hidden_size"]]}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        size = 2 * VOCABULARY * config["hidden_size"]
        if name != TABLE:
            size = entry["data_offsets"][1] - entry["data_offsets"][0]
        entry["data_offsets"] = [position, position + size]
        position += size
    encoded = json.dumps(header).encode()
    weights.write_bytes(pack("<Q", len(encoded)) + encoded)
    with weights.open("r+b") as file:
        file.truncate(8 + len(encoded) + position)
    return inspect(folder)


def test_it_is_told_with_what_would_fit(endless):
    told = "endless needs 4.4e+03 GB for its weights in float32, and more while it runs. Use --dtyp"
    with pytest.raises(OutOfMemoryError, match="memory ran out while endless was loaded") as raised:
        load(endless, dtype="float32", device="cpu")
    assert told in str(raised.value)
    assert "--device-map auto" in str(raised.value)


def test_weights_that_are_spread_already_are_not_advised_to_be(endless):
    with pytest.raises(OutOfMemoryError) as raised:
        load(endless, dtype="float32", device="cpu", device_map="sequential")
    assert "--device-map" not in str(raised.value)
