"""Encoders: tokens see those after them, so nothing is padded, cached or predicted."""

import json

import pytest
import torch
from deployed import seen
from oracle import texts, tiny
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM

from hubmaxact import Options, measure
from hubmaxact.errors import UnknownAnatomyError
from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.batch_plan import plan_batches
from hubmaxact.measurement.execution import forward
from hubmaxact.measurement.forecast.forecast import foresee
from hubmaxact.report.validate import validate

SMALL = {"vocab_size": 320, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
SMALL |= {"intermediate_size": 56, "max_position_embeddings": 64, "pad_token_id": 0}
SMALL |= {"num_key_value_heads": 4, "head_dim": 8}
SHORT = {"global_attn_every_n_layers": 2, "local_attention": 8}
DISENTANGLED = {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_buckets": 8}
DISENTANGLED |= {"share_att_key": True, "norm_rel_ebd": "layer_norm"}
CLIP = {name: SMALL[name] for name in list(SMALL)[:6]} | {"eos_token_id": 2}
NUMBERS = ("min", "max", "rms", "abs_mean")
SPLITS = {"calibration_samples": 2, "evaluation_samples": 4}


def model(model_type, auto=AutoModel, **config):
    torch.manual_seed(5)
    made = auto.from_config(AutoConfig.for_model(model_type, **SMALL | config)).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.dim() >= 2:
                parameter.normal_(0.0, 0.3)
    return made


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return tiny.build("bert", tmp_path_factory.mktemp("bert"), dtype="float32")


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    corpus = texts.write(tmp_path_factory.mktemp("corpus") / "texts.jsonl", texts.ROWS[:12])
    chosen = {"corpus": str(corpus), "max_seq_len": 32, "cpu_threads": 1, "device": "cpu", **SPLITS}
    return lambda **more: Options(**chosen | more)


def test_batches_show_what_each_text_shows_alone(bert, options):
    together, alone = (measure(bert, options(batch_tokens=size)) for size in (512, 1))
    assert validate(together) == []
    assert together["model"]["bidirectional"] is True
    for row, other in zip(together["sites"], alone["sites"], strict=True):
        # In another batch a float32 product may round in another way; padding moves all of it.
        assert [row[name] for name in NUMBERS] == pytest.approx(
            [other[name] for name in NUMBERS], rel=1e-5
        )
        assert (row["module"], row["count"]) == (other["module"], other["count"])
    digests = {each["protocol"]["batch_plan_digest"] for each in (together, alone)}
    assert len(digests) == 2
    told = foresee(bert, options(batch_tokens=512))
    assert told.batch_plan_digest == together["protocol"]["batch_plan_digest"]


def test_a_plan_without_padding_joins_equal_lengths_alone_and_says_so():
    split = {"calibration": 2, "evaluation": 2, "batch_tokens": 64}
    lengths = [5, 3, 5, 5, 3, 5, 3, 0, 4]
    plan = plan_batches(lengths, **split, pads=False)
    found = [batch.samples for batch in plan.batches]
    assert found == [(0,), (1,), (2, 3), (5,), (8,), (4, 6)]
    assert all(lengths[s] == batch.length for batch in plan.batches for s in batch.samples)
    alike = [plan_batches([4, 4, 4], **split, pads=pads) for pads in (True, False)]
    assert alike[0].batches == alike[1].batches
    assert alike[0].digest != alike[1].digest


@pytest.mark.parametrize("ask", [measure, foresee])
def test_no_loss_of_next_tokens_is_measured(ask, bert, options):
    asked = options(profile="deployment", end_to_end=("int8/per_token",))
    with pytest.raises(UnknownAnatomyError, match=r"BertForMaskedLM is an encoder \(bidirectional"):
        ask(bert, asked)


def test_positions_behind_the_one_of_padding_are_those_there_are(tmp_path, options):
    roberta = model("roberta", AutoModelForMaskedLM, max_position_embeddings=34, pad_token_id=1)
    roberta.save_pretrained(tmp_path)
    tiny.tokenizer().save_pretrained(tmp_path)
    long = tmp_path / "long.jsonl"
    long.write_text(json.dumps({"text": "the river and the light " * 20}) + "\n")
    report = measure(tmp_path, options(corpus=str(long)))
    assert report["protocol"]["max_seq_len"] == 32
    assert report["protocol"]["corpus"]["num_tokens"] == 32


class TestDirection:
    @pytest.mark.parametrize(
        ("model_type", "config"),
        [
            ("roberta", {"pad_token_id": 1}),
            ("roformer", {}),  # its attentions say nothing
            ("mpnet", {}),
            ("electra", {"embedding_size": 16}),
            ("eurobert", {}),
            ("gemma3_text", {"use_bidirectional_attention": True}),
        ],
    )
    def test_an_encoder_says_that_it_is_one(self, model_type, config):
        anatomy = find_sites(model(model_type, **config))
        assert anatomy.bidirectional
        assert anatomy.missing == ()

    @pytest.mark.parametrize(
        ("model_type", "config"),
        [("bert", {"is_decoder": True}), ("gemma3_text", {}), ("modernbert-decoder", SHORT)],
    )
    def test_a_decoder_of_the_same_kind_is_none(self, model_type, config):
        assert not find_sites(model(model_type, **config)).bidirectional

    def test_a_causal_mask_tells_more_than_a_flag(self):
        torch.manual_seed(5)
        clip = AutoModel.from_config(AutoConfig.for_model("clip_text_model", **CLIP)).eval()
        flags = [getattr(module, "is_causal", None) for module in clip.modules()]
        assert False in flags
        assert True not in flags
        assert not find_sites(clip).bidirectional


@pytest.mark.parametrize(
    ("model_type", "config", "layers_name"),
    [
        ("bert", {}, "encoder.layer"),
        ("modernbert", SHORT, "layers"),
        ("deberta-v2", DISENTANGLED, "encoder.layer"),
    ],
)
def test_linear_inputs_are_those_of_plain_hooks(model_type, config, layers_name):
    encoder, ids = model(model_type, **config), seen.samples()
    plan = plan_batches(seen.LENGTHS, calibration=2, evaluation=2, batch_tokens=24, pads=False)
    anatomy = find_sites(encoder, profile="deployment")
    measurement = forward.measure(encoder, anatomy, plan, ids)
    assert measurement.missing == ()
    assert {anatomy.absent[role] for role in ("key", "value", "query")} == {anatomy.num_layers}
    read = {name: [] for name in seen.maps(encoder, layers_name)}
    for name, rows in read.items():
        encoder.get_submodule(name).register_forward_pre_hook(
            lambda _, args, rows=rows: rows.append(args[0].flatten(0, -2).clone())
        )
    with torch.no_grad():
        for batch in plan.batches:
            encoder(input_ids=torch.stack([torch.from_numpy(ids[s]).long() for s in batch.samples]))
    sites = {
        site: result.values
        for site, result in measurement.recorder.result().sites.items()
        if site.role == "linear_input"
    }
    for site, values in sites.items():
        rows = torch.cat(read[site.maps[-1]])
        assert (values.min, values.max) == (rows.min().item(), rows.max().item())
        assert values.count == rows.numel()
    assert {name for site in sites for name in site.maps} == set(read)
