"""What is said of a whole audit, and how much of it fits a terminal."""

import struct
from io import StringIO

import pytest
from audit import checkpoints as made
from rich.console import Console
from shipped_reports import QUANTIZED, SIMULATED

from hubmaxact.scales.number_formats import FP8 as FP8_FORMAT
from hubmaxact.shipped_scales.audit import AuditFailedError, audit
from hubmaxact.shipped_scales.choice import Choice
from hubmaxact.shipped_scales.judge import Shipped, judge
from hubmaxact.shipped_scales.measured_maxima import Measured
from hubmaxact.shipped_scales.to_terminal import MOST_SHOWN, show

FP8 = made.said_modelopt()
DOWN = "model.layers.1.mlp.down_proj"


def shown(found, width=100):
    out = StringIO()
    show(found, Console(file=out, width=width))
    return out.getvalue()


def audited(tmp_path, report, changed=(), said=FP8, **more):
    tensors = made.fp8_modelopt(report) | dict(changed)
    return audit(report, made.write(tmp_path / "q", tensors, said, **more))


def test_another_base_than_the_measured_model_is_told(tmp_path):
    report = made.deployment_report(model={"id": "alice/Base", "commit": "1" * 40})
    for card, told in (
        (b"---\nbase_model: bob/other\n---\n", True),
        (b"---\nbase_model: Alice/base\n---\n", False),
        (b"no front matter", False),
    ):
        found = audited(tmp_path, report, **{"README.md": card})
        assert bool(found.notes) == told, card
    found = audited(tmp_path, report, **{"README.md": b"---\nbase_model: bob/other\n---\n"})
    assert "from bob/other by its card, and the report is of alice/Base." in shown(found)


def test_a_simulated_run_is_told_of(tmp_path):
    protocol = {"simulated_activations": SIMULATED}
    report = made.deployment_report(model=QUANTIZED, protocol=protocol)
    assert "simulated: its maxima are of that run" in " ".join(audited(tmp_path, report).notes)
    assert not audited(tmp_path, made.deployment_report()).notes


def test_a_checkpoint_without_static_scales_is_told_in_a_sentence(tmp_path):
    report = made.deployment_report()
    tensors = {f"{DOWN}.weight": made.zeros("F8_E4M3", 4, 4)}
    found = audit(report, made.write(tmp_path / "q", tensors, {"quant_method": "fp8"}))
    assert shown(found).splitlines() == [
        "q (fp8): 0 static scales.",
        "It ships no static scales: activations are scaled as they come, or not quantized.",
    ]


def test_the_worst_come_first_and_the_rest_is_counted(tmp_path):
    report = made.deployment_report(num_layers=6)
    tensors = {
        f"{module}.input_scale": made.scalar(abs_max / 448 / (2 + position))
        for position, (module, abs_max) in enumerate(made.maps(report).items())
    }
    folder = made.write(tmp_path / "q", made.fp8_modelopt(report) | tensors, FP8)
    (folder / "config.json").write_bytes(
        (folder / "config.json").read_bytes().replace(b'"num_hidden_layers": 2', b'"n_layer": 6')
    )
    found = audit(report, folder)
    said = shown(found, width=200)
    named = [line for line in said.splitlines() if line.startswith("input of ")]
    assert len(named) == MOST_SHOWN
    assert named[0].split()[2:6] == ["model.layers.5.mlp.down_proj", "1.953", "84", "43"]
    assert "12 more; --format json has all." in said
    assert str(AuditFailedError(found)).endswith("; and 39 more.")


def test_values_beyond_all_quantiles_are_bounded_from_one_side(tmp_path):
    report = made.deployment_report()
    nearly = {f"{DOWN}.input_scale": made.scalar(26 / 448)}
    found = audited(tmp_path, report, nearly)
    assert "under 0.01 %" in shown(found)
    hardly = {f"{DOWN}.input_scale": made.scalar(1e-9)}
    found = audited(tmp_path, report, hardly)
    assert "over 75 %" in shown(found)


def test_infinity_is_beyond_every_scale():
    number = {"dtype": "F32", "number": 1.0, "representable": 448.0, "reaches": 448.0}
    shipped = Shipped(number_format=FP8_FORMAT, chosen=Choice(), **number)
    for reached, verdict in ((28.0, "not_comparable"), (600.0, "saturates")):
        measured = Measured(("input",), reached, {}, is_finite=False)
        assert judge(shipped, measured)[0].name == verdict


def test_queries_have_scales_too(tmp_path):
    report = made.deployment_report()
    attention = "model.layers.0.self_attn"
    query = {f"{attention}.q_scale": made.scalar(24 / 448)}
    found = audited(tmp_path, report, query)
    (row,) = [row for row in found.rows if row.kind == "query"]
    assert (row.verdict, row.measured) == ("matches", 24.0)
    report["kv"][0] |= {"query": None, "attention_logit": None}
    report["coverage"]["query"] |= {"expected": 1, "fired": 1, "absent": 1}
    (row,) = [row for row in audited(tmp_path, report, query).rows if row.kind == "query"]
    assert row.verdict == "not_measured"


@pytest.mark.parametrize("number", [1e300, 1e-300])
def test_numbers_beyond_float32_are_numbers(tmp_path, number):
    report = made.deployment_report()
    tensors = {f"{DOWN}.input_scale": ("F64", [], struct.pack("<d", number))}
    (row,) = [r for r in audited(tmp_path, report, tensors).rows if r.module == DOWN]
    assert row.verdict == ("coarse" if number > 1 else "saturates")
    assert row.scale == number
