"""Files that are no valid report, each with its reason: what schema/examples/invalid holds.

Every file is the smallest report with one thing changed, or bytes that are no JSON document.
"""

import copy
import json
import math

from deployed_reports import counted, deployment_report
from end_to_end_reports import end_to_end_report
from example_reports import assemble, site

from hubmaxact.report.write import report_bytes

WIDTH = 64


def smallest_report():
    """Two layers, six sites, two domains: short enough to be stored many times over."""
    sites = [
        site("embedding", None, 1.5, width=WIDTH, place=(4, 2, 6, 1)),
        site("hidden_state", 0, -23, width=WIDTH, place=(2, 0, 7, 5)),
        site("mlp_output", 0, 8, width=WIDTH, place=(2, 0, 7, 5)),
        site("hidden_state", 1, 61, width=WIDTH, place=(1, 3, 9, 5)),
        site("mlp_output", 1, 40, width=WIDTH, place=(1, 3, 9, 5)),
        site("router_logits", 1, 9, width=8, place=(0, 0, 4, 3)),
    ]
    for s in sites:
        s["top"] = s["top"][:1]
    routing = {"layer": 1, "num_experts": 8, "tokens": {"least": 0, "median": 5, "most": 9}}
    report = assemble(
        sites,
        num_layers=2,
        hidden_size=WIDTH,
        domains={"math": 3000, "code": 2000},
        experts=[routing | {"never_routed": [2, 6], "mlp_gate": None}],
    )
    report["model"]["weight_files"] = report["model"]["weight_files"][:1]
    report["stability"]["subsets"] = report["stability"]["subsets"][:1]
    return report


SMALLEST = smallest_report()


def changed(path, value, base=SMALLEST):
    """The smallest report, or another, with one value replaced, as bytes."""
    report = copy.deepcopy(base)
    *steps, last = path
    place = report
    for step in steps:
        place = place[step]
    assert json.dumps(place[last]) != json.dumps(value)
    place[last] = value
    return json.dumps(report, indent=1).encode()


def edited(edit):
    """The smallest report after `edit` changed it in place, as bytes."""
    report = copy.deepcopy(SMALLEST)
    edit(report)
    assert report != SMALLEST
    return json.dumps(report, indent=1).encode()


DEPLOYED = deployment_report(num_layers=2, num_experts=4)
POOLED = deployment_report(num_layers=2, rounded=True)
BEYOND_FP16 = ("dtype_headroom", "float16")


def deployed(path, value):
    """A small report of profile deployment with one value replaced, as bytes."""
    return changed(path, value, DEPLOYED)


def pooled(path, value):
    """The same with errors of deployed formats, one value of which is replaced."""
    return changed(path, value, POOLED)


def left_out(role, layer):
    """The smallest report without one site, as if it had never been promised."""

    def edit(report):
        report["sites"] = [s for s in report["sites"] if (s["role"], s["layer"]) != (role, layer)]
        for count in ("expected", "fired"):
            report["coverage"][role][count] -= 1

    return edited(edit)


def lost(times=1, **changes):
    """The smallest report with a site among the missing, and all that follows."""
    place = {"role": "mlp_output", "layer": 0, "part": None, "module": None, "reason": "lost"}

    def edit(report):
        report["status"] = "partial"
        report["coverage"]["missing"] = [place | changes] * times
        report["coverage"][(place | changes)["role"]]["expected"] += times

    return edited(edit)


def updated(path, **values):
    """The smallest report with several values of one object replaced, as bytes."""

    def edit(report):
        place = report
        for step in path:
            place = place[step]
        assert set(values) <= set(place)
        place.update(values)

    return edited(edit)


def forget(report, *places):
    """Leave out sites as if the layers had none by design."""
    report["sites"] = [s for s in report["sites"] if (s["role"], s["layer"]) not in places]
    for role, _ in places:
        row = report["coverage"][role]
        row.update(expected=row["expected"] - 1, fired=row["fired"] - 1, absent=row["absent"] + 1)


def gate_without_block(report):
    """Leave out a block, and keep the gate inside it."""
    gate = {"role": "mlp_gate", "layer": 1, "part": None, "module": None, "reason": "lost"}
    report["status"] = "partial"
    report["coverage"]["missing"] = [gate]
    report["coverage"]["mlp_gate"] |= {"expected": 1, "absent": 1}
    report["max_by_role"]["mlp_output"] |= {
        "value": report["sites"][2]["top"][0]["value"],
        "layer": 0,
        "module": report["sites"][2]["module"],
    }
    forget(report, ("mlp_output", 1))


def layers_without_blocks(report):
    """Leave out everything that a layer does."""
    forget(report, ("mlp_output", 0), ("mlp_output", 1))
    del report["max_by_role"]["mlp_output"]


def flipped(report):
    """Turn the sign of M everywhere but in the extremes of its site."""
    for place in (report["global_max"], report["max_by_role"]["hidden_state"]):
        place["value"] = -place["value"]
    report["sites"][3]["top"][0]["value"] = -report["sites"][3]["top"][0]["value"]


def without(*path):
    """The smallest report with one field left out, as bytes."""
    report = copy.deepcopy(SMALLEST)
    *steps, last = path
    place = report
    for step in steps:
        place = place[step]
    del place[last]
    return json.dumps(report, indent=1).encode()


def spelled(old, new):
    """The smallest report's text with one spelling replaced: what no serializer would write."""
    text = report_bytes(SMALLEST).decode()
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1).encode("utf-8", "surrogatepass")


TEXT = report_bytes(SMALLEST)
FIRST, PEAK = ("sites", 1), ("sites", 3)
ROW = ("quantization", "formats", 2)
"""The row of M: hidden_state of layer 1 under max_abs."""

SIGNAL = SMALLEST["quantization"]["formats"][2]["sum_sq"]

SUBSET = ("stability", "subsets", 0)

FILES = {
    # Not JSON, or JSON that readers disagree about.
    "empty": (b"", "not JSON at line 1, column 1"),
    "truncated": (TEXT[:900], "not JSON at line"),
    "trailing_text": (TEXT + b"{}", "Extra data"),
    "byte_order_mark": (b"\xef\xbb\xbf" + TEXT, "begins with a byte order mark"),
    "bad_utf8": (TEXT.replace(b"probe-5k", b"probe\xff5k"), "not UTF-8: a stray byte at line"),
    "utf16": (TEXT[:40].decode().encode("utf-16-le"), "not JSON at line 1"),
    "lone_surrogate": (
        spelled('"NVIDIA H200"', '"\\ud800"'),
        "environment.device_name: half a surrogate pair",
    ),
    "nan": (spelled('"value": 61.0', '"value": NaN'), "NaN; write null, and say why"),
    "minus_infinity": (
        spelled('"value": 61.0', '"value": -Infinity'),
        "Infinity; write null, and say why",
    ),
    "overflow": (spelled('"value": 61.0', '"value": 1e999'), "1e999 is not finite"),
    "large_integer": (
        spelled('"value": 61.0', '"value": 9007199254740993'),
        "global_max.value: 9007199254740993 is beyond 2^53",
    ),
    "duplicate_key": (
        spelled('"status": "complete"', '"status": "partial",\n  "status": "complete"'),
        'the key "status" stands twice',
    ),
    "deep_nesting": (b"[" * 1000 + b"]" * 1000, "nested deeper than 32 levels at line 1"),
    "control_character": (spelled("probe-5k", "probe\t5k"), "not JSON at line"),
    "single_quotes": (TEXT.replace(b'"', b"'")[:300], "not JSON at line 2"),
    # The wrong shape.
    "array": (b"[]\n", "the document: must be an object, found an array of 0 items"),
    "string": (b'"report"\n', 'the document: must be an object, found the string "report"'),
    "null": (b"null\n", "the document: must be an object, found null"),
    "empty_object": (b"{}\n", 'the document: lacks "schema_version", "model", "protocol" and 11'),
    "unknown_field": (
        spelled('"model_type"', '"trust": "me",\n    "model_type"'),
        'model: has fields that no report has: "trust"',
    ),
    "schema_reference": (
        spelled('"schema_version"', '"$schema": "https://example.org/s",\n  "schema_version"'),
        'the document: has fields that no report has: "$schema"',
    ),
    "missing_field": (without(*PEAK, "abs_max"), 'sites[3]: lacks "abs_max"'),
    "missing_quantile": (
        without(*FIRST, "abs_quantiles", "0.5"),
        'sites[1].abs_quantiles: lacks "0.5"',
    ),
    "unknown_major_version": (
        changed(("schema_version",), "1.0"),
        'schema_version: "1.0" is not one this reader knows',
    ),
    "version_as_number": (
        changed(("schema_version",), 0.1),
        "schema_version: must be a string, found 0.1",
    ),
    "bool_as_number": (
        changed((*PEAK, "mean"), True),
        "sites[3].mean: must be a number or null, found true",
    ),
    "bool_as_count": (
        changed((*PEAK, "num_nan"), False),
        "sites[3].num_nan: must be a whole number, found false",
    ),
    "fraction_as_count": (
        changed((*PEAK, "count"), 805306368.5),
        "sites[3].count: must be a whole number, found 805306368.5",
    ),
    "number_as_string": (
        changed(("global_max", "value"), "7e5"),
        'global_max.value: must be a number, found the string "7e5"',
    ),
    "null_value": (
        changed(("max_by_role", "hidden_state", "value"), None),
        "max_by_role.hidden_state.value: must be a number, found null",
    ),
    "negative_count": (
        changed((*FIRST, "num_inf"), -1),
        "sites[1].num_inf: must be at least 0, found -1",
    ),
    "beyond_float32": (
        changed((*FIRST, "max"), 3.5e38),
        "sites[1].max: must be at most 3.4028234663852886e+38, found 3.5e+38",
    ),
    "unknown_role": (
        changed((*FIRST, "role"), "attention"),
        'sites[1].role: must be one of "embedding", "hidden_state"',
    ),
    "unknown_quantile": (
        spelled('"0.9999":', '"0.99999":'),
        'sites[0].abs_quantiles: has fields that no report has: "0.99999"',
    ),
    "six_top_values": (
        changed((*FIRST, "top"), SMALLEST["sites"][0]["top"] * 6),
        "sites[1].top: must hold at most 5 items, found 6",
    ),
    "short_commit": (
        changed(("model", "commit"), "c3499c2"),
        "model.commit: must hold at least 40 characters, found 7",
    ),
    "commit_and_newline": (
        changed(("model", "commit"), "c" * 39 + "\n"),
        "model.commit: must be a commit of 40 lowercase hex digits",
    ),
    "id_and_newline": (
        changed(("model", "id"), "example-org/Example-8B\n"),
        'model.id: must be a Hub repo id, found "example-org/Example-8B\\u000a"',
    ),
    "id_of_markup": (
        changed(("model", "id"), "a/<img src=x onerror=alert(1)>"),
        "model.id: must be a Hub repo id",
    ),
    "id_with_dots": (changed(("model", "id"), "a/..b"), "model.id: must be a Hub repo id"),
    "path_outside": (
        changed(("model", "weight_files", 0, "path"), "a/../../model.safetensors"),
        "model.weight_files[0].path: must be a path relative to the checkpoint",
    ),
    "bidi_override": (
        changed(("environment", "device_name"), "NVIDIA \u202e002H"),
        'without control or bidirectional characters, found "NVIDIA \\u202e002H"',
    ),
    "huge_string": (
        changed(("environment", "device_name"), "x" * 2000),
        "environment.device_name: must hold at most 256 characters, found 2,000",
    ),
    "hostile_domain": (
        changed(("domains",), {"</details><script>": 61.0}),
        'domains: are not those of protocol.corpus.domains: "</details><script>" is in one',
    ),
    "chat_template": (
        changed(("protocol", "chat_template"), "chatml"),
        'protocol.chat_template: must be null, found the string "chatml"',
    ),
    # The right shape, and impossible.
    "layer_beyond_model": (
        changed((*PEAK, "layer"), 2),
        "sites[3].layer: is 2, but model.num_layers is 2",
    ),
    "layer_of_embedding": (
        changed((*PEAK, "role"), "embedding"),
        "sites[3].layer: is 1, which embedding cannot have",
    ),
    "site_twice": (
        changed((*PEAK, "layer"), 0),
        "sites[3]: is hidden_state of layer 0, and so is sites[1]",
    ),
    "channel_beyond_width": (
        changed((*FIRST, "top", 0, "channel"), 64),
        "sites[1].top[0].channel: is 64, but count over num_tokens is 64",
    ),
    "sample_beyond_corpus": (
        changed((*FIRST, "top", 0, "sample"), 5000),
        "sites[1].top[0].sample: is 5000, but protocol.corpus.num_samples is 5000",
    ),
    "abs_max_not_extreme": (
        changed((*FIRST, "abs_max"), 24.0),
        "sites[1].abs_max: is 24.0, but max(|min|, |max|) is 23.0",
    ),
    "min_above_max": (
        changed((*PEAK, "min"), 62.0),
        "sites[3].min: is 62.0, above max, which is 61.0",
    ),
    "off_the_bf16_grid": (
        changed((*FIRST, "max"), 8.123456),
        "sites[1].max: is 8.123456, which is no bf16 value",
    ),
    "rms_from_nowhere": (
        changed((*PEAK, "rms"), 4.0),
        "sites[3].rms: is 4.0, but sqrt(mean^2 + std^2) is",
    ),
    "quantiles_descend": (
        changed((*PEAK, "abs_quantiles", "0.75"), 3.0),
        'sites[3].abs_quantiles["0.75"]: is 3.0, above sites[3].abs_quantiles["0.9"], which is',
    ),
    "more_nan_than_elements": (
        changed((*FIRST, "num_nan"), 900_000_000),
        "sites[1]: num_nan + num_inf is 900000000, but count is 805306368",
    ),
    "null_though_finite": (
        changed((*FIRST, "mean"), None),
        "sites[1].mean: is null, but 805306368 elements are finite",
    ),
    "part_of_a_token": (
        changed((*FIRST, "count"), 805306367),
        "sites[1].count: is 805306367, no multiple of num_tokens x hidden_size = 805306368",
    ),
    "massive_but_small": (
        changed((*FIRST, "massive", "num_tokens"), 3),
        "sites[1].massive.num_tokens: is 3, but abs_max is 23.0 and max_ratio",
    ),
    "maximum_too_small": (
        changed(("global_max", "abs_max"), 23.0),
        "global_max.abs_max: is 23.0, but value is 61.0",
    ),
    "maximum_denied": (
        changed(("global_max",), None),
        "global_max: is null, but 1 site carries a finite maximum",
    ),
    "wrong_step": (
        changed(("global_max", "bf16_step"), 0.5),
        "global_max.bf16_step: is 0.5, but at M the step is 0.25",
    ),
    "wrong_carrier": (
        changed(("global_max", "carriers", 0, "layer"), 0),
        "global_max.carriers[0].layer: is 0, but that site has 1",
    ),
    "wrong_coordinates": (
        changed(("global_max", "channel"), 6),
        "global_max.channel: is 6, but the first site that holds M has 5",
    ),
    "wrong_sign": (
        changed(("global_max", "value"), -61.0),
        "global_max.value: is -61.0, but the first site that holds M has 61.0",
    ),
    "role_without_site": (
        spelled(
            '"max_by_role": {',
            '"max_by_role": {"attention_output": {"value": 1.0, "layer": 0, "module": "m"},',
        ),
        "max_by_role.attention_output: is given, but no site of this role has a finite value",
    ),
    "role_maximum_too_small": (
        changed(("max_by_role", "router_logits", "value"), 8.0),
        "max_by_role.router_logits.value: is 8.0, but the largest site has 9.0",
    ),
    "domain_above_maximum": (
        changed(("domains", "math"), 62.0),
        "domains: have 62.0 as their largest, but global_max.abs_max is 61.0",
    ),
    "domains_do_not_add_up": (
        changed(("protocol", "corpus", "domains", "code"), 2001),
        "protocol.corpus.domains: add up to 5001, but num_samples is 5000",
    ),
    "too_many_tokens": (
        changed(("protocol", "corpus", "num_tokens"), 25_165_824),
        "protocol.corpus.num_tokens: is 25165824, but 5000 texts of at most 4096 tokens have",
    ),
    "status_hides_missing": (
        changed(
            ("coverage", "missing"),
            [{"role": "mlp_output", "layer": 0, "part": None, "module": None, "reason": "lost"}],
        ),
        'status: is "complete", but 0 elements are not finite and 1 site is missing',
    ),
    "status_hides_nan": (
        changed((*FIRST, "num_nan"), 1),
        'status: is "complete", but 1 element is not finite',
    ),
    "coverage_counts_more": (
        changed(("coverage", "hidden_state", "fired"), 3),
        "coverage.hidden_state.fired: is 3, but sites has 2 of this role",
    ),
    "coverage_forgets": (
        changed(("coverage", "hidden_state", "expected"), 3),
        "coverage.hidden_state.expected: is 3, but 2 fired and 0 are missing",
    ),
    "wrong_format_limit": (
        changed(("dtype_headroom", "float16", "largest_finite"), 65536.0),
        "dtype_headroom.float16.largest_finite: is 65536.0, but float16 ends at 65504.0",
    ),
    "wrong_ratio": (
        changed(("dtype_headroom", "float8_e4m3fn", "ratio"), 0.1),
        "dtype_headroom.float8_e4m3fn.ratio: is 0.1, but M over 448.0 is",
    ),
    "wrong_tiny_ratio": (
        changed(("dtype_headroom", "bfloat16", "ratio"), 1e-37),
        "dtype_headroom.bfloat16.ratio: is 1e-37, but M over 3.3895313892515355e+38 is 1.799",
    ),
    "excess_invented": (
        changed(("dtype_headroom", "float16", "exceeded"), True),
        "dtype_headroom.float16.exceeded: is true, but the largest watched |x| is 61.0",
    ),
    "wrong_decibels": (
        changed((*ROW, "sqnr_db"), 43.9),
        "quantization.formats[2].sqnr_db: is 43.9, but 10 log10(sum_sq / err_sq) is",
    ),
    "wrong_relative_error": (
        changed((*ROW, "rel_rmse"), 0.5),
        "quantization.formats[2].rel_rmse: is 0.5, but sqrt(err_sq / sum_sq) is",
    ),
    "row_without_site": (
        changed((*ROW, "site", "role"), "attention_output"),
        "quantization.formats[2].site: is attention_output of layer 1, which sites does not have",
    ),
    "row_without_reason": (
        changed((*ROW, "sqnr_db"), None),
        "quantization.formats[2].reason: must be given exactly when sqnr_db is null",
    ),
    "splits_beyond_corpus": (
        changed(("protocol", "evaluation_samples"), 5000),
        "but both splits need 5128 texts and 5000 were read",
    ),
    "experts_of_a_dense_model": (
        changed(("model", "architecture"), "dense"),
        'model.architecture: is "dense", but experts has 1 layer',
    ),
    "loads_descend": (
        changed(("experts", 0, "tokens", "median"), 10),
        "experts[0].tokens: are 0, 10, 9, which do not ascend",
    ),
    "never_routed_and_loaded": (
        changed(("experts", 0, "tokens", "least"), 1),
        "experts[0].never_routed: names 2 experts, but tokens.least is 1",
    ),
    "subset_above_maximum": (
        changed((*SUBSET, "values", 0), 62.0),
        "stability.subsets[0].values: reach 62.0, but global_max.abs_max is 61.0",
    ),
    "wrong_spread": (
        changed((*SUBSET, "coefficient_of_variation"), 0.5),
        "stability.subsets[0].coefficient_of_variation: is 0.5, but values give",
    ),
    "more_active_than_all": (
        changed(("model", "num_active_parameters"), 9_000_000_000),
        "model.num_active_parameters: is 9000000000, but num_parameters is 8190735360",
    ),
    # A tensor left out, named twice, or out of place.
    "layer_left_out": (
        left_out("hidden_state", 0),
        "coverage.hidden_state.absent: is 0, but 1 of 2 layers has this role in sites or in",
    ),
    "layer_called_absent": (
        changed(("coverage", "hidden_state", "absent"), 1),
        "coverage.hidden_state.absent: is 1, but no hidden_state can be absent",
    ),
    "too_many_absent": (
        changed(("coverage", "attention_output", "absent"), 4000),
        "coverage.attention_output.absent: is 4000, but 0 of 2 layers have this role",
    ),
    "embedding_left_out": (
        left_out("embedding", None),
        "coverage.embedding.expected: is 0, with 0 absent, but a decoder has one",
    ),
    "final_norm_forgotten": (
        changed(("coverage", "final_norm", "absent"), 0),
        "coverage.final_norm.expected: is 0, with 0 absent, but a decoder has one",
    ),
    "missing_and_absent": (
        lost(role="attention_output", layer=1),
        "coverage.attention_output.absent: is 2, but 1 of 2 layers has this role",
    ),
    "gate_without_block": (
        edited(gate_without_block),
        "coverage.mlp_output.absent: counts layer 1, which has an mlp_gate, as one without",
    ),
    "layers_that_do_nothing": (
        edited(layers_without_blocks),
        "coverage.attention_output.absent: counts every layer, and so does that of mlp_output",
    ),
    "missing_and_seen": (
        lost(module="model.layers.0.mlp"),
        "coverage.missing[0]: is mlp_output of layer 0, and so is sites[2]",
    ),
    "missing_twice": (
        lost(role="attention_output", times=2),
        "coverage.missing[1]: is attention_output of layer 0, and so is coverage.missing[0]",
    ),
    "sites_out_of_order": (
        edited(lambda report: report["sites"].reverse()),
        "sites[1]: is mlp_output of layer 1, after router_logits of layer 1",
    ),
    "one_module_for_two_layers": (
        changed((*PEAK, "module"), "model.layers.0"),
        'sites[3].module: is "model.layers.0", and so is that of sites[1]',
    ),
    "part_of_a_row": (
        changed(("sites", 2, "count"), 805306367),
        "sites[2].count: is 805306367, no multiple of num_tokens = 12582912",
    ),
    "position_beyond_tokens": (
        edited(
            lambda report: (
                report["protocol"].update(max_seq_len=16_777_216),
                report["sites"][1]["top"][0].update(token_position=12_582_912),
            )
        ),
        "sites[1].top[0].token_position: is 12582912, but protocol.corpus.num_tokens is 12582912",
    ),
    # Statistics that no values have.
    "sign_flipped": (
        edited(flipped),
        "sites[3].top[0].value: is -61.0, but the extremes are -22.875 and 61.0",
    ),
    "mean_below_min": (
        updated(PEAK, min=1.0),
        "sites[3].mean: is 0.015625, outside min and max, 1.0 and 61.0",
    ),
    "zeros_above_a_quantile": (
        changed((*PEAK, "zero_fraction"), 0.9),
        'sites[3].abs_quantiles["0.25"]: is 0.30078125, but zero_fraction is 0.9',
    ),
    "quantile_of_zeros_without_zeros": (
        updated((*PEAK, "abs_quantiles"), **dict.fromkeys(("0.25", "0.5"), 0.0)),
        'sites[3].abs_quantiles["0.25"]: is 0.0, but zero_fraction is 0.0',
    ),
    "all_zero_with_a_maximum": (
        changed((*PEAK, "zero_fraction"), 1.0),
        "sites[3].zero_fraction: is 1.0, but abs_max is 61.0",
    ),
    "ratio_from_nowhere": (
        changed((*PEAK, "massive", "max_ratio"), 1e100),
        "sites[3].massive.max_ratio: is 1e+100, but abs_max 61.0 allows 1 to",
    ),
    "ratio_below_one": (
        changed((*PEAK, "massive", "max_ratio"), 0.5),
        "sites[3].massive.max_ratio: is 0.5, but abs_max 61.0 allows 1 to",
    ),
    "off_the_float32_grid": (
        edited(
            lambda report: (
                report["protocol"].update(dtype="float32", counts_rounded_to="bfloat16"),
                report["sites"][3].update(min=-0.1),
            )
        ),
        "sites[3].min: is -0.1, which is no float32 value",
    ),
    "domain_off_the_grid": (
        changed(("domains", "code"), 58.1),
        "domains.code: is 58.1, which is no bf16 value",
    ),
    "domain_without_maximum": (
        updated(("domains",), code=None).replace(b'"bos_added": false', b'"bos_added": true'),
        "domains.code: is null, but 2000 texts were read and every value is finite",
    ),
    "batch_beyond_plan": (
        changed(("global_max", "batch"), 5000),
        "global_max.batch: is 5000, but 5000 texts fill at most 5000 batches",
    ),
    "subsets_without_a_word": (
        changed(("stability", "subsets"), []),
        "stability.reason: is null, but subsets has 0 rows",
    ),
    # INT8 rows that no rounding gives.
    "rows_left_out": (
        changed(("quantization", "formats"), SMALLEST["quantization"]["formats"][1:]),
        "quantization.formats: has no row for hidden_state of layer 0 under max_abs",
    ),
    "label_of_a_certificate": (
        changed((*ROW, "label"), "INT8 quality: certified"),
        'quantization.formats[2].label: is "INT8 quality: certified", which is not "diagnostic',
    ),
    "unknown_convention": (
        changed((*ROW, "convention"), "asymmetric"),
        'quantization.formats[2].convention: is "asymmetric", which is not "symmetric',
    ),
    "unknown_policy": (
        changed((*ROW, "policy"), "best"),
        'quantization.formats[2].policy: is "best", which is not "max_abs" or "clip_q0.999"',
    ),
    "threshold_beyond_site": (
        changed((*ROW, "threshold"), 62.0),
        "quantization.formats[2].threshold: is 62.0, but must be above 0 and the site's abs_max",
    ),
    "threshold_of_zero": (
        changed((*ROW, "threshold"), 0.0),
        "quantization.formats[2].threshold: is 0.0, but must be above 0",
    ),
    "clip_threshold_off_the_grid": (
        changed(("quantization", "formats", 3, "threshold"), 3.3),
        "quantization.formats[3].threshold: is 3.3, which is no bf16 value",
    ),
    "sums_without_threshold": (
        updated(ROW, threshold=None, reason="none", sqnr_db=None),
        "quantization.formats[2].sum_sq: is given, but threshold is null",
    ),
    "nothing_evaluated": (
        changed((*ROW, "count"), 0),
        "quantization.formats[2].count: is 0, but sqnr_db is",
    ),
    "empty_splits": (
        updated(("protocol",), calibration_samples=0, evaluation_samples=0),
        "but the splits have 0 and 0 texts",
    ),
    "sum_beyond_site": (
        updated(ROW, sum_sq=1e90, err_sq=1e70, sqnr_db=200.0, rel_rmse=1e-10),
        "quantization.formats[2].sum_sq: is 1e+90, but abs_max, rms and count of that site allow",
    ),
    "error_beyond_value": (
        changed((*ROW, "rel_mae"), 1e50),
        "quantization.formats[2].rel_mae: is 1e+50, but rounding to the nearest level errs by",
    ),
    "error_beyond_half_a_step": (
        updated(ROW, err_sq=SIGNAL / 2, sqnr_db=10 * math.log10(2), rel_rmse=math.sqrt(0.5)),
        "quantization.formats[2].err_sq: is",
    ),
    "one_error_of_two": (
        changed((*ROW, "rel_mae"), 0.0),
        "quantization.formats[2].rel_mae: is 0.0, but rel_rmse is",
    ),
    "clipped_below_threshold": (
        changed((*ROW, "clip_rate"), 1.0),
        "quantization.formats[2].clip_rate: is 1.0, but no |x| is above the threshold, 61.0",
    ),
    "clipped_beyond_sum": (
        changed(("quantization", "formats", 3, "clip_rate"), 1.0),
        "quantization.formats[3].clip_rate: is 1.0, but so many values above 3.5 exceed sum_sq",
    ),
    "policies_of_two_splits": (
        changed(("quantization", "formats", 3, "count"), 40_265_000),
        "quantization.formats[3].count: is 40265000, but quantization.formats[2] has",
    ),
    # Routing that no router gives.
    "expert_of_more_tokens": (
        changed(("experts", 0, "tokens", "most"), 2**50),
        "experts[0].tokens.most: is 1125899906842624, but 12582912 tokens passed that layer",
    ),
    "all_idle_and_loaded": (
        changed(("experts", 0, "never_routed"), list(range(8))),
        "experts[0].tokens.median: is 5, but 8 of 8 experts received no token",
    ),
    "median_of_idle_experts": (
        changed(("experts", 0, "never_routed"), [0, 1, 2, 3]),
        "experts[0].tokens.median: is 5, but 4 of 8 experts received no token",
    ),
    "gate_of_an_idle_expert": (
        changed(("experts", 0, "mlp_gate"), {"abs_max": 7.0, "expert": 6}),
        "experts[0].mlp_gate.expert: is 6, which received no token",
    ),
    "gate_beyond_its_site": (
        changed(("experts", 0, "mlp_gate"), {"abs_max": 7.5, "expert": 3}),
        "experts[0].mlp_gate.abs_max: is 7.5, but no gate of layer 1 reached that",
    ),
    "routing_left_out": (
        changed(("experts",), []),
        "experts: has no rows, but protocol.experts_implementation says that experts ran",
    ),
    # What profile deployment adds, at odds with itself.
    "deployment_without_rows": (
        changed(("protocol", "profile"), "deployment"),
        'linear_inputs: is left out, but protocol.profile is "deployment"',
    ),
    "paper_with_linear_inputs": (
        deployed(("protocol", "profile"), "paper"),
        'linear_inputs: is given, but protocol.profile is "paper"',
    ),
    "sidecar_named_twice": (
        deployed(("sidecars", 1, "name"), "channels.safetensors"),
        "sidecars: names channels.safetensors, channels.safetensors, experts.safetensors; each",
    ),
    "sidecar_beyond_measure": (
        deployed(("sidecars", 0, "size"), 2**30 + 1),
        "sidecars[0].size",
    ),
    "deployment_before_its_schema": (
        deployed(("schema_version",), "0.1"),
        'schema_version: is "0.1", which knows no profile "deployment"',
    ),
    "map_that_reads_two_tensors": (
        deployed(("linear_inputs", 1, "modules"), ["model.layers.0.self_attn.k_proj"]),
        'linear_inputs[1].modules: names "model.layers.0.self_attn.k_proj", and so does',
    ),
    "linear_input_beyond_its_maximum": (
        deployed(("linear_inputs", 2, "rms"), 1000.0),
        "linear_inputs[2].rms: is 1000.0, above abs_max, which is 10.5",
    ),
    "head_above_all_heads": (
        deployed(("kv", 1, "key", "per_head"), [300.0, 301.0]),
        "kv[1].key.abs_max: is 300.0, but the largest of its parts is 301.0",
    ),
    "heads_not_counted": (
        deployed(("kv", 0, "num_kv_heads"), 3),
        "kv[0].key.per_head: has 2 values, but num_kv_heads is 3",
    ),
    "latent_of_many_heads": (
        deployed(("kv", 0, "kind"), "latent"),
        "kv[0].num_kv_heads: is 2, but all heads share a latent",
    ),
    "pairs_of_no_channels": (
        deployed(("kv", 1, "rotary", "channels"), 0),
        'kv[1].rotary.channels: is 0, but pairs is "halves"',
    ),
    "pair_of_three_channels": (
        deployed(("kv", 1, "rotary", "channels"), 3),
        'kv[1].rotary.channels: is 3, but pairs is "halves"',
    ),
    "logit_of_no_query": (
        deployed(("kv", 1, "query"), None),
        "kv[1].attention_logit: is given, but query is null",
    ),
    "expert_input_of_nothing": (
        deployed(("experts", 1, "input", "per_expert", 3), 1.0),
        "experts[1].input.per_expert[3]: is 1.0, but that expert received no token",
    ),
    "cached_keys_forgotten": (
        deployed(("coverage", "key", "fired"), 1),
        "coverage.key.fired: is 1, but kv has 2 of this role",
    ),
    "tail_that_ends_below_the_maximum": (
        deployed(("stability", "by_text", "after_first_token", "tail", "low"), 64.0),
        "stability.by_text.after_first_token.tail.abs_max: is 10368.0, above low, which is 64.0",
    ),
    "more_texts_that_reach_less": (
        deployed(("stability", "by_text", "all_tokens", "saturation", 11, "expected"), 6e4),
        "stability.by_text.all_tokens.saturation[10].expected: is",
    ),
    "first_tokens_miscounted": (
        deployed(("stability", "by_text", "num_texts_peaking_at_first_token"), 3),
        "stability.by_text.num_texts_peaking_at_first_token: is 3, but the two blocks allow 700",
    ),
    "more_texts_than_peak": (
        pooled(("stability", "by_text", "by_position", 12, "num_texts_peaking"), 7),
        "stability.by_text.by_position: has 5001 texts, but all_tokens.num_texts is 5000",
    ),
    "positions_that_overlap": (
        pooled(("stability", "by_text", "by_position", 3, "last_position"), 8),
        "stability.by_text.by_position[3]: is of positions 4 to 8, expected 4 to 7",
    ),
    "excess_in_no_token": (
        changed((*BEYOND_FP16, "exceeded_by", 0, "tokens"), 0, counted(DEPLOYED)),
        "dtype_headroom.float16.exceeded_by[0].tokens: is 0, but that tensor exceeds the format",
    ),
    "stream_that_is_scaled_too_little": (
        deployed((*BEYOND_FP16, "residual_exponent"), 0),
        "dtype_headroom.float16.residual_exponent: is 0, but the rows give 1",
    ),
    # A protocol or a checkpoint that cannot be.
    "probe_called_natural": (
        changed(("protocol", "corpus", "kind"), "natural"),
        'protocol.corpus.kind: is "natural", but the texts of probe-5k are "synthetic"',
    ),
    "paper_called_synthetic": (
        updated(("protocol", "corpus"), name="paper"),
        'protocol.corpus.kind: is "synthetic", but the texts of paper are "natural"',
    ),
    "probe_without_version": (
        changed(("protocol", "corpus", "version"), None),
        "protocol.corpus.version: is null, but the versions of probe-5k are whole numbers",
    ),
    "probe_of_more_texts": (
        edited(
            lambda report: report["protocol"]["corpus"].update(
                num_samples=5001, domains={"math": 3001, "code": 2000}
            )
        ),
        "protocol.corpus.num_samples: is 5001, but probe-5k has 5000 texts",
    ),
    "bos_of_no_special_tokens": (
        updated(("protocol", "special_tokens"), policy="none", bos_added=True),
        'protocol.special_tokens.bos_added: is true, but policy is "none"',
    ),
    "exact_float32": (
        changed(("protocol", "dtype"), "float32"),
        "protocol.counts_rounded_to: is null, but a run in float32 counts values rounded",
    ),
    "weights_twice": (
        changed(("model", "weight_files"), SMALLEST["model"]["weight_files"] * 2),
        'model.weight_files[1].path: is "model-00001-of-00003.safetensors", and so is',
    ),
    "empty_weights": (
        changed(("model", "weight_files", 0, "size"), 0),
        "model.weight_files[0].size: is 0, but an empty file holds no weights",
    ),
    "pickled_weights": (
        changed(("model", "weight_files", 0, "path"), "pytorch_model.bin"),
        'model.weight_files[0].path: is "pytorch_model.bin", but only .safetensors files are',
    ),
    "more_parameters_than_bits": (
        changed(("model", "num_parameters"), 10**15),
        "model.num_parameters: is 1000000000000000, but the weight files have 4967215360 bytes",
    ),
    "commit_of_nothing": (
        changed(("model", "id"), None),
        "model.id: is null, but commit is c3499c2729730a7f807efb8676a92dcb6f8a3f8f",
    ),
    "dequantized_from_nothing": (
        changed(("model", "dequantized"), True),
        "model.weights_quantization: is null, but dequantized is true",
    ),
    "remote_code": (
        changed(("model", "remote_code"), True),
        "model.remote_code_files: is left out, but remote_code is true",
    ),
    "file_of_no_rows": (
        changed(
            ("sidecars",),
            [*DEPLOYED["sidecars"], POOLED["sidecars"][-1]],
            DEPLOYED,
        ),
        "sidecars: names quantization.parquet, but no row was measured",
    ),
    "way_left_out": (
        pooled(("quantization", "pooled"), POOLED["quantization"]["pooled"][1:]),
        'has "linear_input int8 per_tensor clip_q0.999" where the table has "linear_input int8',
    ),
    "other_way_of_rounding": (
        pooled(("quantization", "pooled", 0, "convention"), "scale = threshold / 127.5"),
        'quantization.pooled[0].convention: is "scale = threshold / 127.5", which is not "scale',
    ),
    "pooled_tensors_of_nobody": (
        pooled(("quantization", "pooled", 9, "num_tensors"), 9),
        "quantization.pooled[9].num_tensors: is 9, but the report has 8 tensors of that kind",
    ),
    "summed_though_switched_off": (
        pooled(("protocol", "format_errors"), "per_tensor"),
        'pooled[9].num_tensors: is 8, but protocol.format_errors is "per_tensor"',
    ),
    "dynamic_scale_that_clips": (
        pooled(("quantization", "pooled", 10, "clip_rate"), 0.25),
        "quantization.pooled[10].clip_rate: is 0.25, but this scale reaches the largest |x|",
    ),
    "worst_better_than_all": (
        pooled(
            ("quantization", "pooled", 30, "worst"),
            [POOLED["quantization"]["pooled"][30]["worst"][0] | {"sqnr_db": 33.75}],
        ),
        "quantization.pooled[30].worst[0].sqnr_db: is 33.75, above that of all tensors together",
    ),
}
"""Name -> content and what a reader must say about it."""


ROUNDED = end_to_end_report()


def rounded(path, value):
    """A small report with losses of rounding, one value of theirs replaced, as bytes."""
    return changed(("end_to_end", *path), value, ROUNDED)


FILES |= {
    "losses_of_profile_paper": (
        json.dumps({**SMALLEST, "end_to_end": ROUNDED["end_to_end"]}, indent=1).encode(),
        'end_to_end: is given, but protocol.profile is "paper"',
    ),
    "losses_of_more_texts": (
        rounded(("num_samples",), 257),
        "end_to_end.num_samples: is 257, but 256 texts were evaluated",
    ),
    "loss_that_is_not_the_sum": (
        rounded(("rows", 0, "loss"), 3.5),
        "end_to_end.rows[0].loss_change.mean: is 0.25, but loss is 3.5 and was 2.5 unrounded",
    ),
    "loss_without_reason": (
        rounded(("rows", 1, "loss_change"), None),
        "end_to_end.rows[1].loss_change: must be null exactly when a reason is given",
    ),
    "interval_upside_down": (
        rounded(("rows", 1, "kl_divergence", "low"), 0.5),
        "end_to_end.rows[1].kl_divergence: is from 0.5 to 0.03125",
    ),
    "tokens_in_a_kv_cache": (
        rounded(("rows", 2, "granularity"), "per_token"),
        'end_to_end.rows[2]: rounds kv by "float8_e4m3fn/per_token/unscaled", which is not',
    ),
    "agreement_of_half_a_token": (
        rounded(("rows", 0, "top1_agreement"), 0.90001),
        "end_to_end.rows[0].top1_agreement: is 0.90001, which is no share of 8192 tokens",
    ),
}
