"""A tokenizer is read from whichever files hold it; a package that it needs is named."""

import base64
import io
import json
import shutil
import sys

import pytest
import sentencepiece
from command import DENSE
from transformers.utils import is_protobuf_available, is_sentencepiece_available

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.measurement.checkpoint.load import load
from hubmaxact.measurement.checkpoint.tokenizer import load_tokenizer
from hubmaxact.measurement.checkpoint.weight_files import inspect
from hubmaxact.measurement.encoding.tokenization import check_vocabulary


@pytest.fixture
def dense(tmp_path):
    """A checkpoint whose tokenizer.json is gone."""
    folder = shutil.copytree(DENSE, tmp_path / "dense")
    for path in folder.glob("tokenizer*"):
        path.unlink()
    return folder


@pytest.fixture
def without(monkeypatch):
    """Take packages away, as where they were never installed."""
    # transformers asks once a process: not while they are hidden, or later tests lack them too.
    assert is_sentencepiece_available()
    assert is_protobuf_available()

    def hide(*modules):
        for module in modules:
            monkeypatch.setitem(sys.modules, module, None)

    return hide


def with_sentencepiece(folder):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the river and the light", "a light on the river"]),
        model_writer=model,
        vocab_size=300,
        model_type="bpe",
        byte_fallback=True,
        minloglevel=2,
    )
    (folder / "tokenizer.model").write_bytes(model.getvalue())
    named = {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(named))


def test_tokenizer_model_and_nothing_else(dense):
    with_sentencepiece(dense)
    tokenizer = load(inspect(dense), device="cpu").tokenizer
    ids = tokenizer("the river")["input_ids"]
    assert ids[0] == tokenizer.bos_token_id
    assert tokenizer.decode(ids, skip_special_tokens=True) == "the river"


@pytest.mark.parametrize(
    ("hidden", "named"),
    [
        (["sentencepiece"], "pip install sentencepiece"),
        (["sentencepiece", "google.protobuf"], "pip install sentencepiece protobuf"),
    ],
)
def test_the_packages_that_a_tokenizer_model_needs_are_named(dense, without, hidden, named):
    with_sentencepiece(dense)
    without(*hidden)
    with pytest.raises(UnsafeCheckpointError, match=rf"as tokenizer\.model, .*{named}\."):
        load(inspect(dense), device="cpu")


def test_tekken_json_names_what_reads_it(dense, without):
    (dense / "tekken.json").write_text("{}")
    without("mistral_common")
    with pytest.raises(UnsafeCheckpointError, match=r"as tekken\.json, .*install mistral-common\."):
        load(inspect(dense), device="cpu")


RANKS = b"".join(base64.b64encode(bytes([i])) + b" %d\n" % i for i in range(256))
DAMAGED = (
    ("tokenizer.json", b"{}", r'tokenizer\.json is cut off or no tokenizer, it has no "model"'),
    ("tokenizer.json", b"[]", r"tokenizer\.json is not a JSON object"),
    ("tokenizer.json", b"<html>", r"tokenizer\.json is not JSON"),
    ("tokenizer.model", b"\x80garbage\xff" * 50, r"tokenizer\.model is .* none that tiktoken nor "),
    ("tokenizer.model", b"<html>", r"tokenizer\.model is cut off or no tokenizer"),
    ("tokenizer.model", b"\n\x0e\n\x05<unk>cut", "sentencepiece cannot read it"),
)


def test_a_damaged_tokenizer_file_is_named_whatever_reads_it(dense):
    named = {"tokenizer_class": "LlamaTokenizer"}
    (dense / "tokenizer_config.json").write_text(json.dumps(named))
    for name, content, told in DAMAGED:
        (dense / name).write_bytes(content)
        with pytest.raises(UnsafeCheckpointError, match=told):
            load_tokenizer(inspect(dense))
        (dense / name).unlink()


def test_a_tokenizer_model_that_is_a_list_for_tiktoken(dense, without):
    (dense / "tokenizer.model").write_bytes(RANKS)
    without("tiktoken")
    with pytest.raises(UnsafeCheckpointError, match=r"tokenizer\.model, .*pip install tiktoken\."):
        load_tokenizer(inspect(dense))


def test_a_small_file_beside_the_tokenizer_that_is_not_json(dense):
    shutil.copy(DENSE / "tokenizer.json", dense)
    (dense / "special_tokens_map.json").write_text("[]")
    with pytest.raises(UnsafeCheckpointError, match=r"^special_tokens_map\.json is not a JSON obj"):
        load_tokenizer(inspect(dense))


class OfMistral:
    """What transformers' class for tekken.json shows: no table of added tokens."""

    all_special_ids = (0, 1)

    def added_tokens_decoder(self):
        raise NotImplementedError

    def get_vocab(self):
        return {"a": 2, "b": 3, "<s>": 1, "[/INST]": 0}


def test_a_tokenizer_without_a_table_of_added_tokens():
    check_vocabulary(OfMistral(), num_embeddings=4)
