"""Which measured tensor a module of a checkpoint reads, and where no comparison is honest."""

import pytest
from audit import checkpoints as made

from hubmaxact.shipped_scales.audit import audit
from hubmaxact.shipped_scales.pair import NothingToAuditError

FP8 = made.said_modelopt()
DOWN = "model.layers.1.mlp.down_proj"


@pytest.fixture
def report():
    return made.deployment_report()


@pytest.fixture
def moe():
    return made.deployment_report(num_experts=8)


def verdicts(found, kind="input"):
    return {row.verdict for row in found.rows if row.kind == kind}


def renamed(tensors, before, after):
    return {name.replace(before, after, 1): tensor for name, tensor in tensors.items()}


@pytest.mark.parametrize("prefix", ["model.language_model.", "language_model.model.", ""])
def test_a_model_inside_another_is_found(tmp_path, report, prefix):
    tensors = renamed(made.fp8_modelopt(report), "model.", prefix)
    found = audit(report, made.write(tmp_path / "q", tensors, FP8))
    assert {row.verdict for row in found.rows} == {"matches"}


@pytest.mark.parametrize("prefix", ["vision_tower.encoder.", "model.visual.", "mtp."])
def test_no_other_tower_is_taken_for_it(tmp_path, report, prefix):
    own = made.fp8_modelopt(report)
    others = renamed(own, "model.", prefix)
    said = {"quant_method": "modelopt", "quant_algo": "FP8"}
    found = audit(report, made.write(tmp_path / "q", own | others, said))
    assert {row.verdict for row in found.rows if row.tensor in others} == {"not_measured"}
    assert "matches" in {row.verdict for row in found.rows if row.tensor in own}
    assert found.passed


@pytest.mark.parametrize("prefix", ["vision_tower.encoder.", "mtp.", "backbone."])
@pytest.mark.parametrize("said", [FP8, {"quant_method": "modelopt", "quant_algo": "FP8"}])
def test_where_no_scale_is_of_a_measured_tensor_nothing_is_answered(tmp_path, report, prefix, said):
    tensors = renamed(made.fp8_modelopt(report), "model.", prefix)
    words = rf"not one of 18 static scales that q ships .* one is of {prefix}layers.0.* has model."
    with pytest.raises(NothingToAuditError, match=words):
        audit(report, made.write(tmp_path / "q", tensors, said))


def test_a_finding_without_a_match_is_one_all_the_same(tmp_path, report):
    tensors = renamed(made.fp8_modelopt(report), "model.", "backbone.")
    tensors["backbone.layers.0.mlp.down_proj.input_scale"] = made.scalar(float("nan"))
    found = audit(report, made.write(tmp_path / "q", tensors, {"quant_method": "modelopt"}))
    assert not found.passed


def test_maps_outside_the_layers_are_not_measured(tmp_path, report):
    tensors = made.fp8_modelopt(report)
    tensors["lm_head.input_scale"] = made.scalar(1e-6)
    tensors["lm_head.weight"] = made.zeros("F8_E4M3", 4, 4)
    found = audit(report, made.write(tmp_path / "q", tensors, FP8))
    assert [row.module for row in found.rows if row.verdict == "not_measured"] == ["lm_head"]


def test_maps_that_read_one_tensor_should_have_one_scale(tmp_path, report):
    tensors = made.fp8_modelopt(report)
    tensors["model.layers.0.self_attn.k_proj.input_scale"] = made.scalar(1.5 * 3.5 / 448)
    found = audit(report, made.write(tmp_path / "q", tensors, FP8))
    assert found.passed
    assert {row.module for row in found.rows if not row.agrees} == {
        f"model.layers.0.self_attn.{name}_proj" for name in "qkv"
    }
    (note,) = found.notes
    assert note.startswith("3 scales differ from that of another map")


def of_experts(report, scale_of, names=("gate_proj", "up_proj", "down_proj")):
    """Scales of each expert, which older releases store by number."""
    tensors = {}
    for row in report["experts"]:
        for expert in range(row["num_experts"]):
            for name in names:
                module = f"model.layers.{row['layer']}.mlp.experts.{expert}.{name}"
                kind = "down_input" if name in {"down_proj", "w2"} else "input"
                tensors[f"{module}.weight"] = made.zeros("F8_E4M3", 4, 4)
                tensors[f"{module}.input_scale"] = made.scalar(scale_of(row[kind], expert))
    return tensors


def exact(told, expert):
    return (told["per_expert"][expert] or 448.0) / 448  # 1.0 where nothing was seen


class TestExperts:
    @pytest.mark.parametrize("names", [("gate_proj", "up_proj", "down_proj"), ("w1", "w3", "w2")])
    def test_each_is_held_against_what_reached_it(self, tmp_path, moe, names):
        tensors = of_experts(moe, exact, names)
        said = {"quant_method": "modelopt", "quant_algo": "FP8"}
        found = audit(moe, made.write(tmp_path / "q", tensors, said))
        idle = [row for row in found.rows if ".layers.1.mlp.experts.7." in row.module]
        assert {row.verdict for row in idle} == {"not_calibrated"}
        assert {row.verdict for row in found.rows if row not in idle} == {"matches"}
        assert all(row.measured is None for row in idle)

    def test_one_alone_does_not_clip_where_the_kernel_takes_the_largest(self, tmp_path, moe):
        def halved(told, expert):
            return exact(told, expert) / (2 if expert == 3 else 1)

        tensors = of_experts(moe, halved)
        del moe["experts"][1]["never_routed"][:]
        moe["experts"][1]["never_routed"].append(7)
        found = audit(moe, made.write(tmp_path / "q", tensors, {"quant_method": "modelopt"}))
        third = [row for row in found.rows if ".experts.3." in row.module]
        assert {row.verdict for row in third} == {"rounds"}
        assert {row.in_kernel for row in third if ".layers.0." in row.module} == {3.5}
        assert "its kernel takes the largest of all experts" in third[0].detail
        assert found.passed

    def test_all_of_them_do(self, tmp_path, moe):
        tensors = of_experts(moe, lambda told, _: told["abs_max"] / 2 / 448)
        found = audit(moe, made.write(tmp_path / "q", tensors, {"quant_method": "modelopt"}))
        assert "saturates" in verdicts(found)
        assert not found.passed

    def test_one_tensor_may_hold_the_scales_of_all(self, tmp_path, moe):
        tensors = {}
        for row in moe["experts"]:
            for name, kind in (("gate_up_proj", "input"), ("down_proj", "down_input")):
                module = f"model.layers.{row['layer']}.mlp.experts.{name}"
                scales = [exact(row[kind], expert) for expert in range(8)]
                tensors[module] = made.zeros("F8_E4M3", 8, 4, 4)
                tensors[f"{module}_activation_scale"] = made.scalar(scales)
        said = {"quant_method": "fp8", "activation_scheme": "static"}
        found = audit(moe, made.write(tmp_path / "q", tensors, said))
        assert [row.element for row in found.rows] == [*range(8)] * 4
        assert verdicts(found) == {"matches", "not_calibrated"}

    def test_an_expert_that_the_model_has_not_is_not_measured(self, tmp_path, moe):
        tensors = of_experts(moe, exact)
        ninth = "model.layers.0.mlp.experts.8.down_proj"
        tensors[f"{ninth}.input_scale"] = made.scalar(1e-9)
        tensors[f"{ninth}.weight"] = made.zeros("F8_E4M3", 4, 4)
        found = audit(moe, made.write(tmp_path / "q", tensors, {"quant_method": "modelopt"}))
        assert [r.module for r in found.rows if r.verdict == "not_measured"] == [ninth]


class TestOtherInputs:
    """Where the input is not the base model's, nothing is compared, and it is said why."""

    def found(self, tmp_path, report, said=FP8, more=(), **files):
        tensors = made.fp8_modelopt(report) | dict(more)
        return audit(report, made.write(tmp_path / "q", tensors, said, **files))

    def test_a_smoothed_map_is_one_alone(self, tmp_path, report):
        smoothed = {f"{DOWN}.pre_quant_scale": made.zeros("BF16", 4)}
        found = self.found(tmp_path, report, more=smoothed)
        (other,) = [row for row in found.rows if row.verdict == "not_comparable"]
        assert (other.module, other.kind) == (DOWN, "input")
        assert other.detail.startswith("pre_quant_scale changed this tensor")
        assert other.scale == pytest.approx(28 / 448)

    @pytest.mark.parametrize(
        ("recipe", "kinds"),
        [
            (b"quant_stage:\n  quant_modifiers:\n    SmoothQuantModifier: {}\n", {"input"}),
            (b"- AWQModifier:\n", {"input", "value"}),
            (b"{SpinQuantModifier: {}}", {"input", "key", "value"}),
            (b"# SmoothQuantModifier was tried\nQuantizationModifier: {}\n", set()),
            (b"\xff\xfe" + b"{" * 1000, set()),
        ],
    )
    def test_a_recipe_tells_what_was_done(self, tmp_path, report, recipe, kinds):
        found = self.found(tmp_path, report, **{"recipe.yaml": recipe})
        assert {r.kind for r in found.rows if r.verdict == "not_comparable"} == kinds
        assert {r.kind for r in found.rows if r.verdict == "matches"} == {
            "input",
            "key",
            "value",
        } - kinds

    def test_a_transformed_model_is_another_one(self, tmp_path, report):
        said = made.said_ct(made.scheme(8, "float"), transform_config={"config_groups": {"R1": {}}})
        found = self.found(tmp_path, report, said)
        assert {row.verdict for row in found.rows} == {"not_comparable"}

    def test_schemes_that_fold_their_smoothing_away_are_known_by_name(self, tmp_path, report):
        found = self.found(tmp_path, report, made.said_modelopt("W4A8_AWQ"))
        assert verdicts(found) == verdicts(found, "value") == {"not_comparable"}
        assert verdicts(found, "key") == {"matches"}
        mixed = {"quantized_layers": {DOWN: {"quant_algo": "NVFP4_AWQ"}}}
        found = self.found(tmp_path, report, made.said_modelopt("MIXED_PRECISION", **mixed))
        assert [r.module for r in found.rows if r.verdict == "not_comparable"] == [
            "model.layers.0.self_attn",
            DOWN,
            "model.layers.1.self_attn",
        ]


class TestMissing:
    @pytest.mark.parametrize(
        "said",
        [
            FP8,
            made.said_ct(made.scheme(8, "float")),
            {"quant_method": "fp8", "activation_scheme": "static"},
        ],
    )
    def test_an_input_that_is_promised_a_scale_and_has_none_is_named(self, tmp_path, report, said):
        tensors = made.fp8_modelopt(report)
        del tensors[f"{DOWN}.input_scale"]
        found = audit(report, made.write(tmp_path / "q", tensors, said))
        assert [r.module for r in found.rows if r.verdict == "missing"] == [DOWN]

    @pytest.mark.parametrize(
        "said",
        [
            {"quant_method": "fp8", "activation_scheme": "dynamic"},
            made.said_ct(made.scheme(8, "float", dynamic=True)),
            made.said_ct(made.scheme(8, "float", strategy="token")),
            made.said_ct(None),
            made.said_modelopt("W4A16_NVFP4"),
        ],
    )
    def test_nothing_is_promised_where_scales_are_found_as_it_goes(self, tmp_path, report, said):
        said = {**said, "kv_cache_scheme": None}
        tensors = {f"{DOWN}.weight_scale": made.scalar(0.1)}
        found = audit(report, made.write(tmp_path / "q", tensors, said))
        assert found.rows == ()
        assert found.notes[0].startswith("It ships no static scales")


def test_a_mean_of_maxima_is_no_error_where_that_was_chosen(tmp_path, report):
    for observers, verdict in (
        (["minmax"], "on_purpose"),
        (["static_minmax"], "saturates"),
        (["minmax", "static_minmax"], "saturates"),
    ):
        said = made.said_ct(None)
        said["config_groups"] = {
            str(n): {"input_activations": made.scheme(8, "float", observer)}
            for n, observer in enumerate(observers)
        }
        tensors = made.fp8_modelopt(report)
        tensors[f"{DOWN}.input_scale"] = made.scalar(14 / 448)
        found = audit(report, made.write(tmp_path / "q", tensors, said))
        (row,) = [row for row in found.rows if row.verdict != "matches"]
        assert (row.module, row.verdict, row.fails) == (DOWN, verdict, verdict == "saturates")
        assert row.clipped_share is not None
