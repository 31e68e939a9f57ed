"""What tasks put behind the layers: heads, poolers and their like may be there or lack, and nothing
else may; what is there is named as not measured.
"""

import json

import pytest
import torch
import transformers
from oracle import tiny
from safetensors.torch import load_file, save_file
from transformers import AutoConfig

from hubmaxact.errors import IncompleteWeightsError, UnknownAnatomyError
from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.checkpoint.load import load
from hubmaxact.measurement.checkpoint.weight_files import inspect

SMALL = {"vocab_size": 320, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
SMALL |= {"intermediate_size": 56, "max_position_embeddings": 64, "pad_token_id": 0}
QWEN = {"num_key_value_heads": 2, "head_dim": 8, "tie_word_embeddings": False}
CONFIGS = {"Bert": ("bert", SMALL), "Qwen3": ("qwen3", SMALL | QWEN)}


@pytest.fixture
def stored(tmp_path):
    """Store a tiny checkpoint of one class as the one of another, with other weights."""

    def store(made, named, *, without=(), **more):
        kind, config = next(CONFIGS[each] for each in CONFIGS if made.startswith(each))
        built = getattr(transformers, made)(AutoConfig.for_model(kind, **config))
        built.save_pretrained(tmp_path)
        tiny.tokenizer().save_pretrained(tmp_path)
        weights = load_file(tmp_path / "model.safetensors") | more
        kept = {name: each for name, each in weights.items() if name not in without}
        save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
        path = tmp_path / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"architectures": [named]}))
        return tmp_path

    return store


@pytest.mark.by_day("Qwen3ForSequenceClassification-*", "BertForMaskedLM-*", "Qwen3ForCausalLM-*")
@pytest.mark.parametrize(
    ("made", "named", "told"),
    [
        ("Qwen3Model", "Qwen3Model", ()),
        ("Qwen3Model", "Qwen3ForCausalLM", ("has no lm_head.weight",)),
        (
            "Qwen3ForSequenceClassification",
            "Qwen3ForSequenceClassification",
            ("score of Qwen3ForSequenceClassification lies behind the layers, not measured.",),
        ),
        ("Qwen3ForTokenClassification", "Qwen3Model", ("(score.bias, score.weight) left aside",)),
        (
            "Qwen3ForCausalLM",
            "Qwen3ForSequenceClassification",
            ("has no score.weight", "(lm_head.weight) left aside"),
        ),
        (
            "BertForPreTraining",
            "BertForMaskedLM",
            ("(bert.pooler.dense.bias, bert.pooler.dense.weight, cls.seq_relationship.bias, ...)",),
        ),
        (
            "BertForMaskedLM",
            "BertModel",
            ("has no pooler.dense.bias, pooler.dense.weight", "(cls.predictions.bias, "),
        ),
        (
            "BertForTokenClassification",
            "BertForTokenClassification",
            ("classifier of BertForTokenClassification lies behind the layers, not measured.",),
        ),
    ],
)
def test_heads_and_poolers(made, named, told, stored):
    found = load(inspect(stored(made, named)), device="cpu")
    assert type(found.model).__name__ == named
    assert len(found.notes) == len(told)
    assert all(words in note for words, note in zip(told, found.notes, strict=True))
    assert find_sites(found.model).missing == ()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"without": ["encoder.layer.1.output.dense.weight"]}, "1 weight of .* missing"),
        ({"without": ["pooler.dense.bias"]}, r"missing \(pooler.dense.bias\)"),
        ({"pooler.other.weight": torch.zeros(3)}, "unknown to the architecture"),
        ({"encoder.layer.0.extra": torch.zeros(3)}, "unknown to the architecture"),
    ],
)
def test_nothing_else(changes, named, stored):
    with pytest.raises(IncompleteWeightsError, match=named):
        load(inspect(stored("BertModel", "BertModel", **changes)), device="cpu")


@pytest.mark.parametrize(
    ("modules", "told"),
    [
        (["Transformer", "Pooling", "Dense", "Normalize"], "puts Pooling, Dense, Normalize behind"),
        (["Transformer"], None),
        ("Pooling", "cannot be read"),
    ],
)
def test_what_sentence_transformers_puts_behind_a_model(modules, told, stored):
    folder = stored("Qwen3Model", "Qwen3Model")
    document = [{"type": f"sentence_transformers.models.{name}"} for name in modules]
    said = document if isinstance(modules, list) else modules
    (folder / "modules.json").write_text(json.dumps(said))
    notes = load(inspect(folder), device="cpu").notes
    assert len(notes) == (told is not None)
    assert all(told in note for note in notes)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (
            {"architectures": ["T5EncoderModel"], "model_type": "t5"},
            "T5EncoderModel is an encoder-",
        ),
        ({"model_type": "bart"}, "BartModel is an encoder-decoder"),
        ({"architectures": ["Wav2Vec2ForCTC"]}, r"takes sound \(input_values\)"),
        ({"architectures": ["PerceiverModel"]}, r"takes no text \(inputs\)"),
    ],
)
def test_other_kinds_are_told_from_the_configuration(config, told, stored):
    folder = stored("BertModel", "BertModel")
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"} | config))
    with pytest.raises(UnknownAnatomyError, match=told):
        load(inspect(folder), device="cpu")


@pytest.mark.parametrize("config", [{"is_encoder_decoder": True}, {"architectures": ["ViTModel"]}])
def test_a_file_of_weights_is_not_looked_into_for_that(config, stored):
    folder = stored("BertModel", "BertModel")
    (folder / "config.json").write_text(json.dumps({"model_type": "x"} | config))
    (folder / "model.safetensors").write_bytes(b"garbage")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(UnknownAnatomyError, match=r"encoder-decoder|takes images"):
        inspect(folder)
