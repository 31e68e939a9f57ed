"""Each way of writing scales is told from names and dtypes, and the number means what it means."""

import pytest
from audit import checkpoints as made

from hubmaxact.shipped_scales.audit import audit

CT_INT8 = made.scheme(8, "int")
CT_NVFP4 = made.scheme(4, "float", dynamic="local", strategy="tensor_group")
STORED = "model.layers.1.mlp.down_proj"
MEASURED = 28.0  # of that map's input


def transformers_fp8(report):
    """FineGrainedFP8: another name, and `_inv` on a multiplier."""
    tensors = made.fp8_modelopt(report)
    return {name.replace("input_scale", "activation_scale"): t for name, t in tensors.items()}


def smoothed_int8(report):
    """An INT8 checkpoint that compressed-tensors did not write."""
    tensors = made.fp8_modelopt(report, limit=127.0)
    for module in made.maps(report):
        tensors[f"{module}.weight"] = made.zeros("I8", 4, 4)
    return tensors


def bounded(report):
    """fbgemm: scales are dynamic, and the number bounds what they may stand for."""
    tensors = made.fp8_modelopt(report, limit=1.0)
    return {name.replace("input_scale", "input_scale_ub"): t for name, t in tensors.items()}


def w4a8(report):
    """Weights of four bits with a second scale, and inputs in FP8: 448, and not 2688."""
    tensors = made.nvfp4_modelopt(report)
    for module, abs_max in made.maps(report).items():
        tensors[f"{module}.input_scale"] = made.scalar(abs_max / 448)
    return tensors


def ct(name, dtype, weight, number_of):
    return lambda report: made.compressed_tensors(report, name, dtype, weight, number_of)


# Convention in words, tensors, what config.json says.
CONVENTIONS = {
    "modelopt fp8": ("FP8 E4M3", made.fp8_modelopt, made.said_modelopt()),
    "modelopt nvfp4": ("NVFP4", made.nvfp4_modelopt, made.said_modelopt("NVFP4")),
    "modelopt w4a8": ("FP8 E4M3", w4a8, made.said_modelopt("W4A8_NVFP4_FP8")),
    "transformers fp8": (
        "FP8 E4M3",
        transformers_fp8,
        {"quant_method": "fp8", "activation_scheme": "static"},
    ),
    "fbgemm": ("bound of dynamic scales", bounded, {"quant_method": "fbgemm_fp8"}),
    "int8 of others": ("INT8 (127)", smoothed_int8, {"quant_method": "quark"}),
    "ct fp8": (
        "FP8 E4M3",
        ct("input_scale", "BF16", "F8_E4M3", lambda a: a / 448),
        made.said_ct(made.scheme(8, "float")),
    ),
    "ct int8": (
        "INT8 (127.5)",
        ct("input_scale", "BF16", "I8", lambda a: a / 127.5),
        made.said_ct(CT_INT8),
    ),
    "ct w4a8": (
        "INT8 (127.5)",
        ct("input_scale", "F16", "I32", lambda a: a / 127.5),
        made.said_ct(CT_INT8),
    ),
    "ct nvfp4": (
        "NVFP4 (divisor)",
        ct("input_global_scale", "F32", "U8", lambda a: 2688 / a),
        made.said_ct(CT_NVFP4),
    ),
}


@pytest.fixture
def report():
    return made.deployment_report()


def row_of(found, module=STORED, kind="input"):
    return next(row for row in found.rows if (row.kind, row.module) == (kind, module))


@pytest.mark.parametrize("convention", CONVENTIONS)
class TestEveryConvention:
    def found(self, tmp_path, report, convention, times):
        """An audit where one scale stands for `times` what was measured."""
        title, tensors_of, said = CONVENTIONS[convention]
        tensors = tensors_of(report)
        exact = made.maps(report)
        grown = dict(exact, **{STORED: exact[STORED] * times})
        changed = made.deployment_report()
        for row in changed["linear_inputs"]:
            row["abs_max"] = grown[row["modules"][0]]
        name = next(n for n in tensors if n.startswith(f"{STORED}.") and "weight" not in n)
        tensors[name] = tensors_of(changed)[name]
        found = audit(report, made.write(tmp_path / "quantized", tensors, said))
        assert row_of(found).convention == title
        return found

    def test_what_was_calibrated_to_the_same_maximum_matches(self, tmp_path, report, convention):
        found = self.found(tmp_path, report, convention, 1.0)
        assert found.passed
        assert [row for row in found.rows if row.verdict != "matches"] == []
        assert row_of(found).representable == pytest.approx(MEASURED, rel=2**-8)

    def test_half_of_what_was_measured_saturates(self, tmp_path, report, convention):
        found = self.found(tmp_path, report, convention, 0.5)
        assert not found.passed
        (failed,) = [row for row in found.rows if row.fails]
        assert (failed.kind, failed.module, failed.verdict) == ("input", STORED, "saturates")
        assert failed.ratio == pytest.approx(2.0, rel=2**-7)
        assert failed.measured == MEASURED

    def test_a_few_times_what_was_measured_passes(self, tmp_path, report, convention):
        found = self.found(tmp_path, report, convention, 4.0)
        row = row_of(found)
        uniform = CONVENTIONS[convention][0].startswith("INT8")
        assert found.passed
        assert row.verdict == ("unused_range" if uniform else "fits")
        assert row.bits_unused == pytest.approx(2.0, abs=0.02)


def with_input(report, number, dtype="F32", tensors_of=made.fp8_modelopt, name="input_scale"):
    tensors = tensors_of(report)
    tensors[f"{STORED}.{name}"] = made.scalar(number, dtype)
    return tensors


class TestTheEdge:
    """A value beyond the largest code is clipped only where rounding alone would not end there."""

    @pytest.mark.parametrize(
        ("number", "verdict"),
        [(28 / 448, "matches"), (28 / 463.9, "rounds"), (28 / 464.2, "saturates")],
    )
    def test_of_fp8(self, tmp_path, report, number, verdict):
        tensors = with_input(report, number)
        found = audit(report, made.write(tmp_path / "q", tensors, made.said_modelopt()))
        assert row_of(found).verdict == verdict
        assert found.passed == (verdict != "saturates")

    @pytest.mark.parametrize(
        ("number", "verdict"), [(28 / 127.4, "rounds"), (28 / 127.6, "saturates")]
    )
    def test_of_int8_over_127(self, tmp_path, report, number, verdict):
        tensors = with_input(report, number, tensors_of=smoothed_int8)
        found = audit(report, made.write(tmp_path / "q", tensors, {"quant_method": "quark"}))
        assert row_of(found).verdict == verdict

    def test_the_tolerance_is_a_share_beyond_what_a_scale_stands_for(self, tmp_path, report):
        tensors = with_input(report, 28 / 448 / 1.25)
        folder = made.write(tmp_path / "q", tensors, made.said_modelopt())
        for tolerance, passed in ((0.2, False), (0.24, False), (0.26, True)):
            found = audit(report, folder, tolerance=tolerance)
            assert (found.passed, row_of(found).verdict) == (passed, "saturates")


class TestTheClippedShare:
    def test_is_bounded_by_the_quantiles_of_the_report(self, tmp_path, report):
        quantiles = next(r for r in report["linear_inputs"] if STORED in r["modules"])
        between = quantiles["abs_quantiles"]["0.99"] * 1.01  # below the next one
        tensors = with_input(report, between / 448)
        found = audit(report, made.write(tmp_path / "q", tensors, made.said_modelopt()))
        assert row_of(found).clipped_share == (0.001, 0.01)

    def test_is_none_at_all_where_everything_fits(self, tmp_path, report):
        tensors = made.fp8_modelopt(report)
        found = audit(report, made.write(tmp_path / "q", tensors, made.said_modelopt()))
        assert row_of(found).clipped_share in {(0.0, 0.0), (0.0, 0.0001)}


@pytest.mark.parametrize(
    ("number", "tensors_of", "said", "name"),
    [
        (1.0, made.fp8_modelopt, made.said_modelopt(), "input_scale"),
        (1 / 448, made.nvfp4_modelopt, made.said_modelopt("NVFP4"), "input_scale"),
        (
            1.0,
            CONVENTIONS["ct nvfp4"][1],
            CONVENTIONS["ct nvfp4"][2],
            "input_global_scale",
        ),
    ],
)
def test_what_stands_where_nothing_was_seen_is_told(
    tmp_path, report, number, tensors_of, said, name
):
    for row in report["linear_inputs"]:  # within what 1/448 of NVFP4 stands for
        row["abs_max"] /= 8
        row["rms"] /= 8
        row["abs_quantiles"] = dict.fromkeys(row["abs_quantiles"], row["abs_max"] / 2)
        row["block_max_quantiles"] = None
    tensors = with_input(report, number, tensors_of=tensors_of, name=name)
    found = audit(report, made.write(tmp_path / "q", tensors, said))
    assert row_of(found).verdict == "not_calibrated"
    assert found.passed


def test_scales_that_no_engine_can_use_fail_as_what_they_are(tmp_path, report):
    for number in (0.0, -0.1, float("nan"), float("inf")):
        tensors = with_input(report, number)
        found = audit(report, made.write(tmp_path / "q", tensors, made.said_modelopt()))
        assert (row_of(found).verdict, found.passed) == ("unsound", False), number


def test_a_scale_so_wide_that_half_of_all_values_lose_bits_is_too_coarse(tmp_path, report):
    tensors = with_input(report, 400.0)
    found = audit(report, made.write(tmp_path / "q", tensors, made.said_modelopt()))
    assert row_of(found).verdict == "coarse"


def test_a_convention_that_nothing_tells_is_not_guessed(tmp_path, report):
    tensors = with_input(report, 28 / 448)
    tensors[f"{STORED}.weight"] = made.zeros("I32", 4, 4)
    said = {"quant_method": "of tomorrow"}
    found = audit(report, made.write(tmp_path / "q", tensors, said))
    assert row_of(found).verdict == "unknown_convention"
    assert row_of(found).representable is None


def test_a_number_for_each_channel_is_none_for_the_tensor(tmp_path, report):
    tensors = made.fp8_modelopt(report)
    for num_channels, words in ((5000, "F32 [5000]"), (64, "64 numbers")):
        tensors[f"{STORED}.input_scale"] = made.zeros("F32", num_channels)
        found = audit(report, made.write(tmp_path / "q", tensors, made.said_modelopt()))
        assert row_of(found).verdict == "not_comparable"
        assert words in row_of(found).detail
        assert len(found.rows) == 18


def test_a_zero_point_moves_the_range(tmp_path, report):
    _, tensors_of, said = CONVENTIONS["ct int8"]
    tensors = tensors_of(report)
    tensors[f"{STORED}.input_zero_point"] = made.zeros("I8", 1)
    found = audit(report, made.write(tmp_path / "q", tensors, said))
    assert row_of(found).verdict == "not_comparable"
