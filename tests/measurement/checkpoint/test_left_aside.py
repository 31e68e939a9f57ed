"""What a checkpoint brings along and never runs here: told, left aside, and no reason to refuse."""

import json
import shutil

import pytest
import torch
from command import DENSE
from safetensors.torch import load_file, save_file

from hubmaxact import Options, measure
from hubmaxact.errors import IncompleteWeightsError, UnsafeCheckpointError
from hubmaxact.measurement.checkpoint.load import load
from hubmaxact.measurement.checkpoint.weight_files import inspect
from hubmaxact.measurement.watcher import Watcher

AUTO_MAP = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnForCausalLM"}
OWN_TOKENIZER = {"AutoTokenizer": ["own.OwnTokenizer", None]}


@pytest.fixture
def dense(tmp_path):
    return shutil.copytree(DENSE, tmp_path / "dense")


def configure(folder, file="config.json", **changes):
    path = folder / file
    document = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(document | changes))


def store(folder, *, without=(), **more):
    weights = load_file(folder / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if name not in without}
    save_file(kept | more, folder / "model.safetensors", metadata={"format": "pt"})


def loaded(folder):
    return load(inspect(folder), device="cpu")


class Heard(Watcher):
    def __init__(self):
        self.notes = []

    def note(self, sentence):
        self.notes.append(sentence)


class TestOwnCode:
    @pytest.fixture(autouse=True)
    def code(self, dense):
        (dense / "own.py").write_text("raise SystemExit('ran')")

    def test_beside_a_native_class_it_is_ignored_and_told_once(self, dense, tmp_path):
        configure(dense, auto_map=AUTO_MAP)
        (tmp_path / "one.jsonl").write_text('{"text": "fine"}\n')
        heard = Heard()
        report = measure(dense, Options(corpus=str(tmp_path / "one.jsonl")), watcher=heard)
        assert report["model"]["remote_code"] is False
        sentence, products, way = heard.notes
        assert products.startswith("Products are made in ")
        assert sentence.startswith("custom code that config.json asked for (own.py) was ignored")
        assert way == "Statistics were made in one read of each tensor on the CPU."
        assert "Qwen3ForCausalLM" in sentence

    @pytest.mark.by_day("config.json-changes0-*", "tokenizer_config.json-changes4-*")
    @pytest.mark.parametrize(
        ("file", "changes", "told"),
        [
            ("config.json", {"vision_config": {"auto_map": AUTO_MAP}}, "Qwen3ForCausalLM"),
            ("config.json", {"auto_map": AUTO_MAP, "architectures": ["OwnLM"]}, "place of OwnLM"),
            ("config.json", {"custom_pipelines": {"x": {"impl": "own.P"}}}, "config.json asked"),
            ("tokenizer_config.json", {"auto_map": OWN_TOKENIZER}, "tokenizer_config.json asked"),
            (
                "tokenizer_config.json",
                {"auto_map": OWN_TOKENIZER["AutoTokenizer"]},
                "and Tokenizer",
            ),
        ],
    )
    def test_wherever_it_is_asked_for(self, dense, file, changes, told):
        configure(dense, file, **changes)
        (sentence,) = loaded(dense).notes
        assert told in sentence

    @pytest.mark.parametrize("names", [["OwnForCausalLM"], ["Qwen3ForCausalLM"]])
    def test_where_nothing_native_knows_the_model_type_it_is_refused(self, dense, names):
        configure(dense, auto_map=AUTO_MAP, model_type="own", architectures=names)
        with pytest.raises(UnsafeCheckpointError, match=r"custom code \(own\.py\).*type 'own'"):
            loaded(dense)

    def test_a_tokenizer_that_only_it_reads_is_refused(self, dense):
        (dense / "tokenizer.json").rename(dense / "own.tiktoken")
        configure(
            dense, "tokenizer_config.json", auto_map=OWN_TOKENIZER, tokenizer_class="OwnTokenizer"
        )
        with pytest.raises(UnsafeCheckpointError, match=r"custom code \('OwnTokenizer'\)"):
            loaded(dense)


def test_a_head_that_is_not_stored_is_taken_out_of_the_model(dense):
    configure(dense, tie_word_embeddings=False)
    found = loaded(dense)
    assert found.notes == (
        "dense has no lm_head.weight; a head never runs here, so nothing is missing.",
    )
    assert found.model.lm_head.weight is None
    stored = sum(weight.numel() for weight in load_file(dense / "model.safetensors").values())
    assert sum(parameter.numel() for parameter in found.model.parameters()) == stored


def test_a_head_that_the_architecture_has_no_place_for(dense):
    norm = load_file(dense / "model.safetensors")["model.norm.weight"]
    store(dense, **{"lm_head.weight": norm.repeat(4096, 1)})
    configure(dense, architectures=["Qwen3Model"])
    found = loaded(dense)
    (sentence,) = found.notes
    assert sentence.startswith("1 tensor of dense (lm_head.weight) left aside")
    assert found.left_aside == ({"what": "unused", "tensors": 1, "places": ["lm_head.weight"]},)


@pytest.mark.parametrize(
    ("key", "number", "largest"),
    [
        ("vocab_size", 1 << 44, "model.embed_tokens.weight of 17592186044416 x 128"),
        ("intermediate_size", 10**12, r"mlp.\w+_proj.weight of [ x\d]+"),
        ("num_attention_heads", 10**9, r"self_attn.\w_proj.weight of [ x\d]+"),
        ("head_dim", 10**10, r"self_attn.\w_proj.weight of [ x\d]+"),
    ],
)
def test_a_configuration_that_asks_for_more_than_the_files_hold(dense, key, number, largest):
    configure(dense, **{key: number})
    asked = rf"asks for a model of \S+ weights, the largest .*{largest}.* hold 2e\+06 in 90"
    with pytest.raises(IncompleteWeightsError, match=asked) as raised:
        loaded(dense)
    assert (f" ({key} {number})" in str(raised.value)) == (
        key in {"vocab_size", "intermediate_size"}
    )


def test_a_configuration_that_asks_for_many_more_layers(dense):
    configure(dense, num_hidden_layers=300, layer_types=None, hidden_size=1024, vocab_size=64)
    asked = r"asks for a model of \S+ weights in [\d,]+ tensors, and the files hold 2e\+06 in 90\."
    with pytest.raises(IncompleteWeightsError, match=asked):
        loaded(dense)


PREDICTION = [
    ({"num_nextn_predict_layers": 1}, "model.layers.8.enorm.weight", "(model.layers.8)"),
    ({"num_nextn_predict_layers": 2}, "model.layers.9.eh_proj.weight", "(model.layers.9)"),
    ({"mtp_num_hidden_layers": 1}, "mtp.layers.0.mlp.weight", "(mtp)"),
    ({"num_mtp_modules": 3}, "model.mtp.layers.0.weight", "(model.mtp)"),
    ({"mtp_config": {"num_layers": 1}}, "model.mtp_block.0.weight", "(model.mtp_block)"),
]


@pytest.mark.by_day("*num_nextn_predict_layers': 2*", "*mtp_config*")
@pytest.mark.parametrize(("declared", "name", "told"), PREDICTION, ids=str)
def test_declared_layers_for_multi_token_prediction(dense, declared, name, told):
    store(dense, **{name: torch.zeros(4)})
    with pytest.raises(IncompleteWeightsError, match="unknown to the architecture"):
        loaded(dense)
    configure(dense, **declared)
    found = loaded(dense)
    (sentence,), (row,) = found.notes, found.left_aside
    assert "multi-token prediction" in sentence
    assert told in sentence
    assert row == {"what": "multi_token_prediction", "tensors": 1, "places": [told[1:-1]]}
    assert found.model.config.num_hidden_layers == len(found.model.model.layers) == 8


def test_more_such_layers_than_are_declared(dense):
    configure(dense, num_nextn_predict_layers=1)
    store(dense, **{"model.layers.9.enorm.weight": torch.zeros(4)})
    with pytest.raises(IncompleteWeightsError, match=r"model\.layers\.9\.enorm"):
        loaded(dense)


def test_weights_that_a_declaration_does_not_cover(dense):
    configure(dense, num_nextn_predict_layers=1)
    store(dense, **{"other.layers.8.enorm.weight": torch.zeros(4)})
    with pytest.raises(IncompleteWeightsError, match=r"other\.layers\.8"):
        loaded(dense)
