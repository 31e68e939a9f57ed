"""Exports that need every channel, read back by those who take them."""

import hashlib
import json

import gguf
import pytest
import torch
from command import MOE, hubmaxact_here
from deployed_reports import deployment_report
from reports_with_channels import (
    CALIBRATION_ROWS,
    HEAD_CHANNELS,
    channels,
    expert_channels,
    write_with,
)
from sidecars.conftest import CALIBRATION, TEXTS
from transformers import AutoModelForCausalLM, AutoTokenizer

from hubmaxact import read_report
from hubmaxact.engine_files import imatrix
from hubmaxact.engine_files.gguf_names import ARCHITECTURES, MAPS, gguf_name
from hubmaxact.engine_files.request import Choices, Measured, NotExportableError

QWEN3 = {"model_type": "qwen3"}
FIRST = "model.layers.0.self_attn.q_proj"


def exported(folder, source, to, *words):
    done = hubmaxact_here("export", source, "--to", to, "--output", "made", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "made", done.stderr


def refused(folder, source, to, *words):
    done = hubmaxact_here("export", source, "--to", to, "--output", "made", *words, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    return done.stderr


def origin(source):
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    return {"made_by": "hubmaxact export", "report_sha256": digest}


def test_smoothquant_has_what_its_own_hooks_would_have_seen(made, seen):
    file, notes = exported(made, "report.json", "smoothquant")
    maps = {name: x for name, x in seen.items() if name.endswith("_proj")}
    scales = torch.load(file, weights_only=True)
    assert set(scales) == set(maps)
    for name, x in maps.items():
        assert torch.equal(scales[name], x.abs().amax(0))
    assert "lm_head is not among them" in notes
    first = file.read_bytes()
    assert exported(made, "report.json", "smoothquant")[0].read_bytes() == first
    assert json.dumps(origin(made / "report.json"))[1:-1].encode() in first


@pytest.fixture
def experts(tmp_path):
    report = deployment_report(2, 4, model={"model_type": "qwen2_moe"})
    return write_with(tmp_path / "moe.json", report, channels(report))


def test_smoothquant_leaves_fused_experts_out_and_says_so(tmp_path, experts):
    file, notes = exported(tmp_path, experts, "smoothquant")
    assert not [name for name in torch.load(file) if ".experts." in name]
    assert "4 fused weights of experts left out" in notes


def test_an_imatrix_is_read_back_by_its_own_library(tmp_path):
    report = deployment_report(2, model=QWEN3)
    source = write_with(tmp_path / "report.json", report, channels(report))
    file, _ = exported(tmp_path, source, "imatrix")
    reader = gguf.GGUFReader(file)
    told = {name: field.contents() for name, field in reader.fields.items()}
    assert told["general.type"] == "imatrix"
    corpus = report["protocol"]["corpus"]
    assert told["imatrix.datasets"] == [corpus["name"]]
    assert told["imatrix.chunk_count"] == report["protocol"]["calibration_samples"] == 128
    assert told["imatrix.chunk_size"] == report["protocol"]["max_seq_len"]
    assert told | origin(source) == told
    tensors = {tensor.name: tensor.data for tensor in reader.tensors}
    assert len(tensors) == 2 * 2 * 7
    for name in ("attn_q", "attn_k", "attn_v"):
        sums = tensors[f"blk.0.{name}.weight.in_sum2"]
        assert sums.shape == (1, 64)
        expected = torch.tensor(channels(report)[f"{FIRST}.input.sum_sq"].values)
        assert sums[0].tolist() == expected.float().tolist()
        assert tensors[f"blk.0.{name}.weight.counts"].tolist() == [[CALIBRATION_ROWS]]


def test_an_imatrix_has_the_squares_that_plain_hooks_see(made, calibrated):
    file, _ = exported(made, "report.json", "imatrix")
    tensors = {tensor.name: tensor.data for tensor in gguf.GGUFReader(file).tensors}
    maps = {name: x.double() for name, x in calibrated.items() if name.endswith("_proj")}
    assert len(tensors) == 2 * len(maps)
    for name, x in maps.items():
        weight = gguf_name(name)
        assert tensors[f"{weight}.counts"].tolist() == [[len(x)]]
        sums = torch.tensor(tensors[f"{weight}.in_sum2"][0]).double()
        assert torch.allclose(sums, (x * x).sum(0), rtol=1e-5, atol=1e-9)


@pytest.fixture(scope="module")
def given_to_experts():
    """What the experts of each layer are given over the calibration split, and the chosen ones."""
    model = AutoModelForCausalLM.from_pretrained(MOE, dtype="auto").eval()
    tokenizer, given = AutoTokenizer.from_pretrained(MOE), {}
    for name, module in model.named_modules():
        if name.endswith(".experts"):
            kept = given[name] = []
            module.register_forward_pre_hook(lambda _, args, kept=kept: kept.append(args[:2]))
    with torch.no_grad():
        for text in TEXTS[:CALIBRATION]:
            model(**tokenizer(text, return_tensors="pt"))
    return model, given


def by_expert(given, number):
    """The rows that one expert is given."""
    return torch.cat([x[(chosen == number).any(-1)] for x, chosen in given]).double()


def test_an_imatrix_has_a_matrix_for_each_expert(made_of_experts, tmp_path, given_to_experts):
    file, notes = exported(tmp_path, made_of_experts / "report.json", "imatrix")
    assert "left out" not in notes
    tensors = {tensor.name: torch.tensor(tensor.data) for tensor in gguf.GGUFReader(file).tensors}
    model, given = given_to_experts
    for layer, (name, found) in enumerate(given.items()):
        experts = model.get_submodule(name)
        for number in range(experts.num_experts):
            x = by_expert(found, number)
            gate, up = (x @ experts.gate_up_proj[number].double().T).chunk(2, dim=-1)
            reads = {"gate": x, "up": x, "down": experts.act_fn(gate) * up}
            for map_, rows in reads.items():
                weight = f"blk.{layer}.ffn_{map_}_exps.weight"
                assert tensors[f"{weight}.counts"][number].tolist() == [len(rows)]
                sums, near = (rows * rows).sum(0), {"rtol": 1e-5 if rows is x else 0.05}
                assert torch.allclose(
                    tensors[f"{weight}.in_sum2"][number].double(), sums, atol=1e-3, **near
                )


def test_experts_that_no_text_reached_are_told(made_of_experts, tmp_path):
    file, notes = exported(tmp_path, made_of_experts / "report.json", "imatrix")
    tensors = {t.name: t.data for t in gguf.GGUFReader(file).tensors if "_exps." in t.name}
    idle = max(int((x == 0).sum()) for name, x in tensors.items() if name.endswith(".counts"))
    assert ("no calibration text was routed" in notes) == (idle > 0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t._replace(values=t.values[:-1], shape=(3,)), "sum_sq_rows"),
        (lambda t: t._replace(values=[-1, *t.values[1:]]), "holds -1"),
    ],
)
def test_sums_of_other_experts_are_refused(tmp_path, experts, change, told):
    report = json.loads(experts.read_bytes())
    tensors = expert_channels(report)
    name = "model.layers.0.mlp.experts.input.sum_sq_rows"
    tensors[name] = change(tensors[name])
    write_with(experts, report, channels(report), experts=tensors)
    assert told in refused(tmp_path, experts, "imatrix")


@pytest.mark.parametrize("change", ["no channels", "not known"])
def test_experts_without_sums_are_refused_or_left_out(tmp_path, experts, change):
    report = json.loads(experts.read_bytes())
    tensors = expert_channels(report)
    name = "model.layers.0.mlp.experts.input.sum_sq"
    found = tensors.pop(name)
    if change == "no channels":
        tensors[name] = found._replace(values=[], shape=(found.shape[0], 0))
    write_with(experts, report, channels(report), experts=tensors)
    if change == "no channels":
        assert f"{name} in experts.safetensors has no channels" in refused(
            tmp_path, experts, "imatrix"
        )
        return
    file, notes = exported(tmp_path, experts, "imatrix")
    names = {tensor.name for tensor in gguf.GGUFReader(file).tensors}
    assert "1 fused weight of experts left out" in notes
    assert "blk.0.ffn_gate_exps.weight.in_sum2" not in names
    assert "blk.0.ffn_down_exps.weight.in_sum2" in names


def test_an_imatrix_leaves_experts_out_and_says_what_that_costs(tmp_path, experts):
    file, notes = exported(tmp_path, experts, "imatrix")
    names = {tensor.name for tensor in gguf.GGUFReader(file).tensors}
    assert "blk.1.ffn_down_shexp.weight.in_sum2" in names
    assert not [name for name in names if "_exps" in name]
    assert "4 fused weights of experts left out" in notes


PREFIXES = ("model.layers.1", "transformer.h.1", "gpt_neox.layers.1")


@pytest.mark.parametrize("model_type", ARCHITECTURES)
def test_weights_have_the_names_that_llama_cpps_own_table_gives(model_type):
    names = {name: arch for arch, name in gguf.MODEL_ARCH_NAMES.items()}
    table = gguf.get_tensor_name_map(names[ARCHITECTURES[model_type]], 2)
    modules = [f"{prefix}.{rest}" for prefix in PREFIXES for rest in MAPS]
    known = {each: table.get_name(f"{each}.weight", (".weight",)) for each in modules}
    agreed = {module: name for module, name in known.items() if name is not None}
    assert {module: gguf_name(module) for module in agreed} == agreed
    assert "blk.1.attn_output.weight" in agreed.values()


def test_every_name_of_ours_is_one_of_llama_cpps():
    tables = [gguf.get_tensor_name_map(arch, 2) for arch in gguf.MODEL_ARCH_NAMES]
    for rest in MAPS:
        found = [t.get_name(f"{p}.{rest}.weight", (".weight",)) for t in tables for p in PREFIXES]
        assert any(found), rest


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: r["model"].update(model_type="brand_new"), "the weights of brand_new"),
        (
            lambda r: r["linear_inputs"][0].update(modules=["model.layers.0.mixer.w17"]),
            "what llama.cpp calls model.layers.0.mixer.w17 is not known",
        ),
    ],
)
def test_what_llama_cpp_calls_otherwise_is_not_guessed(tmp_path, change, told):
    report = deployment_report(2, model=QWEN3)
    change(report)
    source = write_with(tmp_path / "report.json", report, channels(report))
    assert told in refused(tmp_path, source, "imatrix")


def test_sums_beyond_float32_are_no_importance(tmp_path):
    report = deployment_report(2, model=QWEN3)
    tensors = channels(report)
    name = f"{FIRST}.input.sum_sq"
    tensors[name] = tensors[name]._replace(values=[1e39] * 64)
    source = write_with(tmp_path / "report.json", report, tensors)
    assert f"what {FIRST} reads are beyond float32" in refused(tmp_path, source, "imatrix")


def test_without_calibration_texts_there_are_no_sums():
    report = deployment_report(2, model=QWEN3, protocol={"calibration_samples": 0})
    with pytest.raises(NotExportableError, match="Measure with --calibration-samples"):
        imatrix.make(Measured(report, "0" * 64), Choices())


def test_sums_that_are_not_known_are_no_importance(tmp_path):
    report = deployment_report(2, model=QWEN3)
    tensors = channels(report)
    name = f"{FIRST}.input.sum_sq"
    tensors[name] = tensors[name]._replace(values=[float("inf")] * 64)
    source = write_with(tmp_path / "report.json", report, tensors)
    assert f"{name} in channels.safetensors holds what" in refused(tmp_path, source, "imatrix")


PER_CHANNEL = ("onnxruntime-genai-kv", "--granularity", "per_channel", "--cache-type", "fp8")


def test_a_channel_of_keys_is_scaled_by_its_rotating_pair(made, seen):
    file, _ = exported(made, "report.json", *PER_CHANNEL)
    found = json.loads(file.read_bytes())
    assert found["qmax"] == 448
    for layer, row in enumerate(read_report(made / "report.json")["kv"]):
        key, value = (seen[f"{row['module']}.{role}"].double() for role in ("key", "value"))
        half = key.shape[-1] // 2
        norm = (key[..., :half] ** 2 + key[..., half:] ** 2).amax(0).sqrt()
        keys = torch.cat([norm, norm], dim=-1).flatten() / 448
        values = value.abs().amax(0).flatten() / 448
        assert found["scales"]["k_scales"][layer] == pytest.approx(keys.tolist(), rel=1e-6)
        assert found["scales"]["v_scales"][layer] == values.tolist()


@pytest.mark.parametrize(
    ("pairs", "turning"), [("halves", {0, 1, 2, 3}), ("neighbours", {0, 1, 2, 3}), ("none", set())]
)
def test_channels_that_do_not_turn_keep_their_own_maxima(tmp_path, pairs, turning):
    report = deployment_report(2, model=QWEN3)
    tensors = channels(report)
    row = report["kv"][1]
    row["rotary"] = {"pairs": pairs, "channels": len(turning)}
    keys = list(tensors[f"{row['module']}.key.abs_max"].values)
    name = f"{row['module']}.key.pair_max"
    tensors[name] = tensors[name]._replace(values=[900.0, 901.0] * 2, shape=(2, 2))
    if not turning:
        del tensors[name]
    first = {"halves": (0, 2), "neighbours": (0, 1), "none": ()}[pairs]
    for place in range(len(keys)):
        if place % HEAD_CHANNELS in turning:
            keys[place] = 900.0 if place % HEAD_CHANNELS in first else 901.0
    source = write_with(tmp_path / "report.json", report, tensors)
    file, _ = exported(tmp_path, source, *PER_CHANNEL)
    scales = json.loads(file.read_bytes())["scales"]["k_scales"][1]
    assert scales == pytest.approx([value / 448 for value in keys], rel=1e-6)


def test_where_it_is_not_known_what_turns_no_channel_has_a_scale(tmp_path):
    report = deployment_report(2, model=QWEN3)
    report["kv"][1]["rotary"] = None
    source = write_with(tmp_path / "report.json", report, channels(report))
    told = refused(tmp_path, source, *PER_CHANNEL)
    assert "which channels of the keys of model.layers.1.self_attn turn together" in told


@pytest.mark.parametrize(
    ("name", "values", "shape", "told"),
    [
        ("pair_max", None, None, "holds no model.layers.1.self_attn.key.pair_max"),
        ("pair_max", [1.0] * 8, (2, 4), "is F32 [2, 4]"),
        ("pair_max", [float("nan")] * 16, (2, 8), "no magnitude"),
        ("abs_max", [1.0] * 32, (2, 16), "reaches 1 in head 0"),
        ("abs_max", [300.0] * 8 + [150.0] * 8, (2, 8), "has 8 channels, fewer than turn"),
    ],
)
def test_pairs_that_are_not_there_or_impossible_are_refused(tmp_path, name, values, shape, told):
    report = deployment_report(2, model=QWEN3)
    tensors = channels(report)
    full = f"{report['kv'][1]['module']}.key.{name}"
    if values is None:
        del tensors[full]
    else:
        tensors[full] = tensors[full]._replace(values=values, shape=shape)
    source = write_with(tmp_path / "report.json", report, tensors)
    assert told in refused(tmp_path, source, *PER_CHANNEL)
