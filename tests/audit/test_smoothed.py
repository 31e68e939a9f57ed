"""A map whose input is smoothed as it comes: compared channel by channel, or not at all."""

import struct

import pytest
from audit import checkpoints as made
from deployed_reports import deployment_report
from reports_with_channels import NAME, channels, write_with

from hubmaxact.shipped_scales.audit import audit
from hubmaxact.sidecars.beside import SidecarError

DOWN = "model.layers.1.mlp.down_proj"
SAID = {"quant_method": "modelopt", "quant_algo": "W8A8_SQ_PER_CHANNEL"}
FACTORS = [2.0 - place / 40 for place in range(64)]
FACTORS[-1] = 0.25  # the channel of the largest |x| is not that of the largest product


def bf16(values, shape=None):
    content = b"".join(struct.pack("<f", value)[2:] for value in values)
    return "BF16", shape or [len(values)], content


@pytest.fixture
def source(tmp_path):
    report = deployment_report(2)
    return write_with(tmp_path / "report.json", report, channels(report))


def smoothed():
    """The largest product of a channel and its factor, both as they are stored."""
    (maxima,) = (t for name, t in channels(deployment_report(2)).items() if name == f"{DOWN}.{A}")
    stored = [struct.unpack("<f", b"\0\0" + struct.pack("<f", f)[2:])[0] for f in FACTORS]
    return max(a * f for a, f in zip(maxima.values, stored, strict=True))


A = "input.abs_max"


def checkpoint(folder, number, factors):
    """Model-Optimizer's SmoothQuant of one map."""
    tensors = {
        f"{DOWN}.weight": made.zeros("I8", 4, 64),
        f"{DOWN}.weight_scale": made.scalar([0.01] * 4),
        f"{DOWN}.input_scale": made.scalar(number),
        f"{DOWN}.pre_quant_scale": factors,
    }
    return made.write(folder / "q", tensors, SAID)


def audited(source, tmp_path, number, factors=None, report=None):
    folder = checkpoint(tmp_path, number, factors or bf16(FACTORS))
    (row,) = audit(report or source, folder).rows
    return row


@pytest.mark.parametrize(
    ("share", "verdict", "fails"),
    [(1.0, "matches", False), (1 - 2**-9, "matches", False), (0.9, "saturates", True),
     (4.0, "unused_range", False)],
)  # fmt: skip
def test_a_scale_is_held_against_the_largest_product(source, tmp_path, share, verdict, fails):
    row = audited(source, tmp_path, share * smoothed() / 127)
    assert (row.verdict, row.fails) == (verdict, fails)
    assert row.measured == pytest.approx(smoothed(), rel=1e-6)
    assert row.convention == "INT8 (127)"


def test_without_channels_it_is_not_comparable_and_it_is_said_what_is_wanted(source, tmp_path):
    (source.with_suffix("") / NAME).unlink()
    row = audited(source, tmp_path, 1.0)
    assert row.verdict == "not_comparable"
    assert row.detail.endswith(f"with the report's {NAME} beside it, channel by channel")
    assert audited(source, tmp_path, 1.0, report=deployment_report(2)).detail == row.detail


@pytest.mark.parametrize(
    "factors",
    [bf16(FACTORS[:32]), bf16([float("nan")] * 64), bf16([float("inf")] * 64)],
)
def test_factors_that_fit_no_channels_are_not_taken(source, tmp_path, factors):
    row = audited(source, tmp_path, 1.0, factors)
    assert row.verdict == "not_comparable"
    assert row.detail.endswith("its numbers fit no channels that were measured")


def test_factors_that_are_no_row_are_not_read(source, tmp_path):
    assert audited(source, tmp_path, 1.0, bf16(FACTORS, [8, 8])).verdict == "not_comparable"


def test_another_file_than_the_report_names_stops_the_audit(source, tmp_path):
    (source.with_suffix("") / NAME).write_bytes(b"of another run")
    with pytest.raises(SidecarError, match=r"channels\.safetensors beside the report is not"):
        audited(source, tmp_path, 1.0)
