"""A report of a large model fits, with what is told last left out first."""

import copy
from collections import Counter

import deployed_reports

from hubmaxact.measurement.assembly import room
from hubmaxact.report.document import MAX_WRITTEN_BYTES
from hubmaxact.report.roles import ROLE_BY_NAME
from hubmaxact.report.validate import validate
from hubmaxact.report.write import report_bytes


def large(num_layers, num_experts):
    """Maxima of every expert, and five largest values in every row."""
    report = deployed_reports.deployment_report(
        num_layers, num_experts, hidden_size=7168, plain=True, rounded=True
    )
    for site in report["sites"]:
        first = site["top"][0]
        more = [first | {"token_id": 9 + n, "value": first["value"] / 2} for n in range(4)]
        site["top"] = [first, *more]
    for row in report["experts"]:
        for name in ("input", "down_input"):
            row[name]["per_expert"] = [3.4375] * num_experts
            row[name]["per_expert"][0] = 3.5
            for idle in row["never_routed"]:
                row[name]["per_expert"][idle] = None
    return report


def test_a_report_that_fits_stays_as_it_is():
    report = large(8, 16)
    before = copy.deepcopy(report)
    assert room.fitted(report) is report
    assert report == before


def test_of_a_large_model_smaller_values_outside_m_go_first():
    whole = large(60, 384)
    fitted = room.fitted(whole)
    for before, after in zip(whole["sites"], fitted["sites"], strict=True):
        in_m = ROLE_BY_NAME[before["role"]].in_global_max
        assert after["top"] == (before["top"] if in_m else before["top"][:1])
    assert fitted["experts"] == whole["experts"]
    assert validate(fitted) == []
    assert len(report_bytes(fitted)) <= MAX_WRITTEN_BYTES


def test_128_layers_of_512_experts_fit():
    fitted = room.fitted(large(128, 512))
    assert validate(fitted) == []
    assert len(report_bytes(fitted)) <= MAX_WRITTEN_BYTES
    roles = Counter(site["role"] for site in fitted["sites"])
    assert roles == {
        "embedding": 1,
        "final_norm": 1,
        **dict.fromkeys(("hidden_state", "attention_output", "mlp_output"), 128),
        **dict.fromkeys(("mlp_gate", "router_logits", "mid_residual"), 128),
    }
    assert fitted["coverage"]["mlp_update"] == {"expected": 0, "fired": 0, "absent": 128}
    assert all(row["input"]["per_expert"] is None for row in fitted["experts"])
    assert len(fitted["linear_inputs"]) == 6 * 128
