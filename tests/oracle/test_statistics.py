"""Every statistic of a report equals brute force over whole tensors captured by other hooks.

`==` for counts, extremes, quantiles, largest values, coordinates and ties. Sums and moments agree
to SUMS, INT-8 errors of bf16 tensors too; those of wider tensors to ERRORS, because each error is
rounded to float32 before it is summed.
"""

import math
import statistics
from collections import Counter

import pytest

from oracle import brute
from oracle.cases import CALIBRATION, EVALUATION, Case
from oracle.planting import planting

SUMS = 1e-12
ERRORS = 2.0**-23

DENSE = {"name": "qwen3", "spike": True}
MOE = {"name": "qwen3_moe", "bos": False}
GEMMA2 = {"name": "gemma2", "spike": True}
HYBRID = {"name": "qwen3_next"}
CASES = [
    Case(**model, dtype=dtype, budget=budget)
    for model in (DENSE, MOE, GEMMA2, HYBRID)
    for dtype in ("bfloat16", "float32")
    for budget in (32, 128, 4096)
] + [
    Case(**DENSE, dtype="float16"),
    Case(**DENSE, specials="none"),
    Case("deepseek_v3"),
    Case("gpt_oss", budget=256),
]
pytestmark = pytest.mark.by_day(
    "qwen3-bfloat16-128-*", "qwen3-float32-32-*", "qwen3_moe-bfloat16-4096-*",
    "qwen3_moe-float32-128-*", "gemma2-bfloat16-32-*", "qwen3_next-float32-128-*",
    "qwen3-float16-*", "deepseek_v3-*", "gpt_oss-*",
)  # fmt: skip
EXACT = (
    "count", "min", "max", "abs_max", "abs_quantiles", "zero_fraction", "num_nan", "num_inf",
    "massive", "top",
)  # fmt: skip
POLICIES = ("max_abs", "clip_q0.999")


@pytest.fixture(params=CASES, ids=str)
def run(request, both):
    return both(request.param)


def assert_row_equals(row, captured):
    """One row of `sites[]` against the whole tensor."""
    expected = brute.describe(captured)
    for name in EXACT:
        assert row[name] == expected[name], name
    for name in ("std", "rms", "abs_mean"):
        assert row[name] == pytest.approx(expected[name], rel=SUMS, abs=0), name
    # A mean may cancel, so its error is measured against the mean of |x|.
    assert abs(row["mean"] - expected["mean"]) <= SUMS * expected["abs_mean"]


def test_sites_are_the_expected_ones_in_order(run):
    found = [(row["role"], row["layer"], row["part"]) for row in run.report["sites"]]
    assert found == sorted((watch.key for watch in run.family.watches), key=brute.site_order)


def test_every_site_equals_brute_force(run):
    for watch in run.family.watches:
        assert_row_equals(run.site(watch.key), run.sites[watch.key])


def test_lengths_force_padding_and_cutting(run):
    lengths = [len(row) for row in run.ids]
    padded = sum(len(b.samples) * b.length(lengths) for b in run.batches)
    assert padded > sum(lengths) or run.case.budget == 32
    assert max(lengths) == 48
    assert run.report["protocol"]["corpus"]["num_tokens"] == sum(lengths)


def test_global_max_and_carriers_equal_brute_force(run):
    found, carriers = run.report["global_max"], brute.carriers(run.sites)
    names = [watch for watch in run.family.watches if watch.key[0] in brute.M_ROLES]
    modules = {watch.key: watch.module for watch in names}
    first = carriers[0]
    place = {name: first[name] for name in ("role", "layer", "part", "sample", "channel")}
    for name, value in place.items():
        assert found[name] == value
    assert found["carriers"] == [
        carrier | {"module": modules[carrier["role"], carrier["layer"], carrier["part"]]}
        for carrier in carriers
    ]
    peak = brute.describe_peak(run.sites[first["role"], first["layer"], first["part"]])
    assert found["value"] == peak["value"]
    assert found["abs_max"] == abs(peak["value"])
    assert (found["token_position"], found["token_id"]) == (
        peak["token_position"],
        peak["token_id"],
    )
    assert found["bf16_step"] == brute.bf16_step(peak["value"])
    assert first["sample"] in run.batches[found["batch"]].samples
    assert run.ids[first["sample"]][first["token_position"]] == peak["token_id"]


def test_role_maxima_and_headroom_equal_brute_force(run):
    largest = run.report["global_max"]["abs_max"]
    peaks = {key: brute.describe_peak(site) for key, site in run.sites.items()}
    for role in {key[0] for key in peaks}:
        keys = sorted((key for key in peaks if key[0] == role), key=brute.site_order)
        best = max(keys, key=lambda key: abs(peaks[key]["value"]))  # the first among equals
        found = run.report["max_by_role"][role]
        assert (found["value"], found["layer"]) == (peaks[best]["value"], best[1])
    watched = max(abs(peak["value"]) for peak in peaks.values())
    for name, limit in brute.LIMITS.items():
        found = run.report["dtype_headroom"][name]
        assert (found["largest_finite"], found["ratio"]) == (limit, largest / limit)
        assert found["exceeded"] == (watched > limit)
        assert (found["where"] is not None) == (watched > limit)
        if found["where"]:
            assert found["where"]["abs_max"] == watched


def test_domains_equal_brute_force(run):
    per_sample = brute.sample_maxima(run.sites, len(run.ids))
    expected = {
        domain: max(per_sample[i] for i, other in enumerate(run.domains) if other == domain)
        for domain in run.domains
    }
    assert run.report["domains"] == expected
    assert run.report["protocol"]["corpus"]["domains"] == Counter(run.domains)


def test_subsets_are_drawn_from_the_samples_maxima(run):
    per_sample = set(brute.sample_maxima(run.sites, len(run.ids)))
    assert [subset["size"] for subset in run.report["stability"]["subsets"]] == [8, 16]
    for subset in run.report["stability"]["subsets"]:
        values = subset["values"]
        assert set(values) <= per_sample
        assert max(values) <= run.report["global_max"]["abs_max"]
        mean = statistics.fmean(values)
        assert math.isclose(subset["range_over_mean"], (max(values) - min(values)) / mean)
        assert math.isclose(subset["coefficient_of_variation"], statistics.stdev(values) / mean)


def test_int8_rows_equal_brute_force(run):
    carriers = [(c["role"], c["layer"], c["part"]) for c in brute.carriers(run.sites)]
    checked = [k for k in run.sites if k[0] in ("hidden_state", "final_norm") or k in carriers]
    rows = {
        ((r["site"]["role"], r["site"]["layer"], r["site"]["part"]), r["policy"]): r
        for r in run.report["quantization"]["formats"]
    }
    assert set(rows) == {(key, policy) for key in checked for policy in POLICIES}
    assert len(rows) == len(run.report["quantization"]["formats"])
    for (key, policy), row in rows.items():
        assert_int8_equals(row, brute.int8_row(run.sites[key], policy), run.case.dtype)


def assert_int8_equals(row, expected, dtype):
    assert (row["format"], row["granularity"], row["reason"]) == ("int8", "per_tensor", None)
    assert row["label"] == "diagnostic, as in arXiv:2605.15572"
    for name in ("threshold", "count", "clip_rate"):
        assert row[name] == expected[name], name
    near = SUMS if dtype == "bfloat16" else ERRORS
    assert row["sum_sq"] == pytest.approx(expected["sum_sq"], rel=SUMS, abs=0)
    for name in ("err_sq", "rel_rmse", "rel_mae"):
        assert row[name] == pytest.approx(expected[name], rel=near, abs=0), name
    assert row["sqnr_db"] == pytest.approx(expected["sqnr_db"], rel=0, abs=10 * near)


def test_experts_tokens_equal_brute_force(run):
    found = {row["layer"]: row for row in run.report["experts"]}
    assert set(found) == set(run.routed)
    for layer, counts in run.routed.items():
        ordered = sorted(int(count) for count in counts)
        assert found[layer]["num_experts"] == len(ordered)
        assert found[layer]["tokens"] == {
            "least": ordered[0],
            "median": ordered[(len(ordered) - 1) // 2],
            "most": ordered[-1],
        }
        assert found[layer]["never_routed"] == [e for e, count in enumerate(counts) if count == 0]


def test_the_largest_gate_among_the_experts_of_a_layer_is_where_brute_force_finds_it(run):
    rows = {row["layer"]: row for row in run.report["experts"]}
    for watch in (watch for watch in run.family.watches if watch.how == "experts"):
        captured = run.sites[watch.key]
        per_row = abs(captured.exact).max(axis=1)
        experts = captured.expert[per_row == per_row.max()]
        found = {"abs_max": per_row.max(), "expert": experts.min()}
        assert rows[watch.layer]["mlp_gate"] == found


def test_coverage_counts_every_expected_site(run):
    expected = Counter(watch.role for watch in run.family.watches)
    coverage = run.report["coverage"]
    for role in brute.ROLE_ORDER:
        layers = {watch.layer for watch in run.family.watches if watch.role == role}
        absent = 0 if role in ("embedding", "final_norm") else len(run.family.layer) - len(layers)
        counts = {"expected": expected[role], "fired": expected[role], "absent": absent}
        assert coverage[role] == counts
    assert coverage["missing"] == []
    assert run.report["status"] == "complete"


def test_protocol_says_how_it_was_measured(run):
    protocol = run.report["protocol"]
    wide = run.case.dtype != "bfloat16" or run.case.name == "deepseek_v3"
    assert protocol["dtype"] == run.case.dtype
    assert protocol["batch_tokens"] == run.case.budget
    assert protocol["counts_rounded_to"] == ("bfloat16" if wide else None)
    assert protocol["special_tokens"] == {
        "policy": run.case.specials,
        "bos_added": run.case.bos and run.case.specials == "as_tokenizer",
    }
    splits = protocol["calibration_samples"], protocol["evaluation_samples"]
    assert splits == (CALIBRATION, EVALUATION)


def test_a_repeated_bos_peak_is_counted_in_every_sample_and_carrier(both):
    run = both(Case(**DENSE, budget=4096))
    peak = run.report["global_max"]
    assert (peak["role"], peak["token_position"], peak["token_id"]) == ("embedding", 0, 1)
    assert {carrier["num_ties"] for carrier in peak["carriers"]} == {len(run.ids)}
    assert len(peak["carriers"]) == 4  # the embedding and three layers of the residual stream
    assert run.site(("embedding", None, None))["massive"]["num_tokens"] == len(run.ids)


def test_routers_and_gates_are_beside_m_and_the_domains(measured, recomputed):
    def enlarge(tensor):
        tensor[0, 0] = 2.0**14

    case = Case(**MOE)
    with planting("layers.1.mlp.gate", enlarge):
        report = measured(case)
        ids, _, sites, _ = recomputed(case)
    assert report["max_by_role"]["router_logits"]["value"] == 2.0**14
    assert report["global_max"]["abs_max"] < 2.0**14
    assert max(report["domains"].values()) == report["global_max"]["abs_max"]
    per_sample = set(brute.sample_maxima(sites, len(ids)))
    assert set(report["domains"].values()) <= per_sample
    assert {v for s in report["stability"]["subsets"] for v in s["values"]} <= per_sample
    assert report["dtype_headroom"]["float8_e4m3fn"]["exceeded"]  # of every watched tensor


def test_int8_rows_cover_the_carrier_alone_where_its_module_has_two_roles(measured):
    """The gate of LFM2 is seen inside the module whose output is mlp_output."""

    def enlarge(tensor):
        tensor[0, 0, 3] = 2.0**17

    with planting("layers.1.feed_forward", enlarge), planting("layers.1", shrink):
        report = measured(Case("lfm2"))
    assert (report["global_max"]["role"], report["global_max"]["layer"]) == ("mlp_output", 1)
    rows = {
        (row["site"]["role"], row["site"]["layer"]) for row in report["quantization"]["formats"]
    }
    layers = {("hidden_state", layer) for layer in range(3)}
    assert rows == {*layers, ("final_norm", None), ("mlp_output", 1)}


def shrink(tensor):
    """Keep the residual stream below what the channel block put out."""
    tensor.clamp_(-100, 100)
