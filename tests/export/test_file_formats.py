"""Each file that an export is: names, shapes, directions and limits, by the words of its loader."""

import hashlib
import json
import struct

import pytest
from command import hubmaxact
from deployed_reports import deployment_report
from exported import export, report_of, tensors_of, write_report

import hubmaxact as package
from hubmaxact.engine_files.openvino import factor_for

MADE_BY = "hubmaxact export"


@pytest.fixture
def source(tmp_path):
    return write_report(tmp_path / "report.json", report_of({"model.safetensors": bytes(512)}))


def exported(folder, source, to, *words):
    done = export(folder, source, to, "--output", "made", *words)
    assert done.returncode == 0, done.stderr
    return (folder / "made").read_bytes()


def document(folder, source, to, *words):
    found = json.loads(exported(folder, source, to, *words))
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    assert (found["made_by"], found["report_sha256"]) == (MADE_BY, digest)
    return found


def f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def test_sglang_has_one_number_for_keys_and_values_of_every_layer(tmp_path, source):
    found = document(tmp_path, source, "sglang-kv-json")
    assert found["model_type"] == "qwen3"
    assert found["kv_cache"]["dtype"] == "float8_e4m3fn"
    assert "do not read them" in found["experimental"]
    report = json.loads(source.read_bytes())
    largest = [max(row["key"]["abs_max"], row["value"]["abs_max"]) for row in report["kv"]]
    expected = {str(layer): value / 448 for layer, value in enumerate(largest)}
    assert found["kv_cache"]["scaling_factor"] == {"0": expected}


@pytest.mark.parametrize(
    ("model_type", "is_loaded"),
    [
        ("qwen3", True),
        ("llama", True),
        ("mistral", True),
        ("gemma3_text", False),
        ("gemma3", False),
    ],
)
def test_sglang_stops_where_a_class_has_no_place_for_them(tmp_path, source, model_type, is_loaded):
    report = json.loads(source.read_bytes())
    report["model"]["model_type"] = model_type
    write_report(source, report)
    done = export(tmp_path, source, "sglang-kv-json", "--output", "made")
    assert done.returncode == 0
    assert "Experimental: " in done.stderr
    stops = f"no load_kv_cache_scales for {model_type}, as far as is known: it stops"
    assert (stops in done.stderr) == (not is_loaded)


@pytest.mark.parametrize(("ranks", "heads"), [(2, [0, 1]), (4, [0, 0, 1, 1])])
def test_a_rank_of_sglang_has_the_scales_of_its_own_heads(tmp_path, source, ranks, heads):
    found = document(tmp_path, source, "sglang-kv-json", "--tensor-parallel", ranks)
    (row,) = (r for r in json.loads(source.read_bytes())["kv"] if r["layer"] == 1)
    each = [max(row["key"]["per_head"][h], row["value"]["per_head"][h]) / 448 for h in heads]
    factors = found["kv_cache"]["scaling_factor"]
    assert [factors[str(rank)]["1"] for rank in range(ranks)] == each
    assert all(len(layers) == 8 for layers in factors.values())


@pytest.mark.parametrize(("kind", "limit"), [("int8", 128), ("int4", 8), ("fp8", 448)])
def test_onnxruntime_divides_by_the_limit_of_its_cache(tmp_path, source, kind, limit):
    found = document(tmp_path, source, "onnxruntime-genai-kv", "--cache-type", kind)
    rows = json.loads(source.read_bytes())["kv"]
    assert found["scales"] == {
        "k_scales": [[row["key"]["abs_max"] / limit] for row in rows],
        "v_scales": [[row["value"]["abs_max"] / limit] for row in rows],
    }
    assert (found["layer_ids"], found["qmax"]) == (list(range(8)), limit)


def test_onnxruntime_takes_no_scale_of_zero(tmp_path, source):
    report = json.loads(source.read_bytes())
    report["kv"][0]["value"] |= {"abs_max": 0.0, "per_head": [0.0, 0.0]}
    found = document(tmp_path, write_report(source, report), "onnxruntime-genai-kv")
    assert found["scales"]["v_scales"][0] == [1e-6 / 128]


CONVENTIONS = {
    ("compressed-tensors", "fp8"): ("input_scale", [1], lambda a: a / 448),
    ("compressed-tensors", "int8"): ("input_scale", [1], lambda a: a / 127.5),
    ("compressed-tensors", "nvfp4"): ("input_global_scale", [1], lambda a: 2688 / a),
    ("modelopt", "fp8"): ("input_scale", [], lambda a: a / 448),
    ("modelopt", "nvfp4"): ("input_scale", [], lambda a: a / 2688),
    ("transformers", "fp8"): ("activation_scale", [], lambda a: a / 448),
}


@pytest.mark.parametrize(("convention", "number_format"), CONVENTIONS)
def test_input_scales_by_every_convention(tmp_path, source, convention, number_format):
    words = ("--convention", convention, "--number-format", number_format)
    found, metadata = tensors_of(exported(tmp_path, source, "input-scales", *words))
    name, shape, of = CONVENTIONS[convention, number_format]
    rows = json.loads(source.read_bytes())["linear_inputs"]
    assert found == {
        f"{module}.{name}": (shape, (f32(of(row["abs_max"])),))
        for row in rows
        for module in row["modules"]
    }
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    assert metadata == {
        "format": "pt",
        "made_by": MADE_BY,
        "report_sha256": digest,
        "convention": convention,
        "number_format": number_format,
    }


def test_a_report_in_memory_gives_the_file_that_its_own_file_gives(tmp_path, source):
    by_file = exported(tmp_path, source, "openvino")
    report = package.read_report(source)
    assert package.export(report, "openvino", tmp_path / "from_memory") == ()
    assert (tmp_path / "from_memory").read_bytes() == by_file
    notes = package.export(report, "input-scales", tmp_path / "scales", number_format="int8")
    assert [note[:9] for note in notes] == ["A sidecar", "Names are"]
    with pytest.raises(package.HubmaxactError, match="--number-format int9 is not for"):
        package.export(report, "input-scales", tmp_path / "no", number_format="int9")


def test_what_was_only_zero_has_a_scale_that_makes_no_nan(tmp_path, source):
    report = json.loads(source.read_bytes())
    for row, value in zip(report["linear_inputs"], (0.0, 2.0**-126), strict=False):
        row |= {
            "abs_max": value,
            "rms": value,
            "abs_quantiles": dict.fromkeys(row["abs_quantiles"], value),
            "block_max_quantiles": None,
        }
    write_report(source, report)
    words = ("--convention", "compressed-tensors", "--number-format", "nvfp4")
    found, _ = tensors_of(exported(tmp_path, source, "input-scales", *words))
    assert found["model.layers.0.self_attn.q_proj.input_global_scale"] == ([1], (1.0,))
    assert found["model.layers.0.self_attn.o_proj.input_global_scale"] == ([1], (1.0,))


@pytest.fixture
def experts(tmp_path):
    return write_report(tmp_path / "moe.json", deployment_report(2, 4))


def test_each_expert_has_its_own_scale_and_an_idle_one_the_layers(tmp_path, experts):
    found, _ = tensors_of(exported(tmp_path, experts, "input-scales"))
    names = {name for name in found if ".experts." in name}
    assert names == {
        f"model.layers.{layer}.mlp.experts.{expert}.{linear}_proj.input_scale"
        for layer in range(2)
        for expert in range(4)
        for linear in ("gate", "up", "down")
    }
    told = json.loads(experts.read_bytes())["experts"][1]["input"]
    assert told["per_expert"][3] is None
    each = [told["abs_max"] if v is None else v for v in told["per_expert"]]
    prefix = "model.layers.1.mlp.experts"
    assert [found[f"{prefix}.{e}.up_proj.input_scale"][1][0] for e in range(4)] == [
        f32(value / 448) for value in each
    ]


def test_transformers_has_the_scales_of_all_experts_in_one_tensor(tmp_path, experts):
    words = ("--convention", "transformers")
    found, _ = tensors_of(exported(tmp_path, experts, "input-scales", *words))
    shape, values = found["model.layers.0.mlp.experts.down_proj_activation_scale"]
    told = json.loads(experts.read_bytes())["experts"][0]["down_input"]["per_expert"]
    assert (shape, values) == ([4], tuple(f32(value / 448) for value in told))


@pytest.mark.parametrize(
    ("peak", "factor"), [(32752.0, -1.0), (32768.0, 2.0), (103936.0, 4.0), (1048576.0, 64.0)]
)
def test_openvino_has_the_least_power_of_two_with_a_margin(peak, factor):
    assert factor_for(peak) == factor


def test_openvino_looks_at_everything_that_was_watched(tmp_path, source):
    found = document(tmp_path, source, "openvino")
    report = json.loads(source.read_bytes())
    rows = [*report["sites"], *report["linear_inputs"]]
    assert found["abs_max"] == max(row["abs_max"] for row in rows)
    assert found["config"] == {"ACTIVATIONS_SCALE_FACTOR": 4.0}
    assert found["rt_info"] == {"runtime_options": {"ACTIVATIONS_SCALE_FACTOR": "4.0"}}


def test_standard_output_gets_the_file_alone(tmp_path, source):
    done = hubmaxact("export", source, "--to", "openvino", "--output", "-", home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["made_by"] == MADE_BY


def test_an_export_is_replaced_and_nothing_else_is(tmp_path, source):
    exported(tmp_path, source, "ignore-list")
    exported(tmp_path, source, "openvino")
    (tmp_path / "made").write_text('{"model_type": "qwen3"}')
    done = export(tmp_path, source, "openvino", "--output", "made")
    assert done.returncode == 2
    assert "no export made it" in done.stderr
    assert (tmp_path / "made").read_text() == '{"model_type": "qwen3"}'
