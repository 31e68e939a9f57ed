"""Files that are no valid report, each with its reason: what schema/examples/invalid holds.

Every file is the smallest report with one thing changed, or bytes that are no JSON document.
"""

import copy
import json

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
        experts=[routing | {"never_routed": [2, 6]}],
    )
    report["model"]["weight_files"] = report["model"]["weight_files"][:1]
    report["stability"]["subsets"] = report["stability"]["subsets"][:1]
    return report


SMALLEST = smallest_report()


def changed(path, value):
    """The smallest report with one value replaced, as bytes."""
    report = copy.deepcopy(SMALLEST)
    *steps, last = path
    place = report
    for step in steps:
        place = place[step]
    assert json.dumps(place[last]) != json.dumps(value)
    place[last] = value
    return json.dumps(report, indent=1).encode()


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
        'sites[1].abs_quantiles: has fields that no report has: "0.99999"',
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
        "global_max: is null, but 1 sites carry a finite maximum",
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
            '"max_by_role": {"mlp_gate": {"value": 1.0, "layer": 0, "module": "m"},',
        ),
        "max_by_role.mlp_gate: is given, but no site of this role has a finite value",
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
        "protocol.corpus.num_tokens: is 25165824, but 5000 texts of 1 to 4096 tokens have",
    ),
    "status_hides_missing": (
        changed(
            ("coverage", "missing"),
            [{"role": "mlp_output", "layer": 0, "part": None, "module": None, "reason": "lost"}],
        ),
        'status: is "complete", but 0 elements are not finite and 1 sites are missing',
    ),
    "status_hides_nan": (
        changed((*FIRST, "num_nan"), 1),
        'status: is "complete", but 1 elements are not finite',
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
        changed((*ROW, "site", "role"), "mlp_output"),
        "quantization.formats[2].site: is mlp_output of layer 1, which sites does not have",
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
        'model.architecture: is "dense", but experts has 1 layers',
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
}
"""Name -> content and what a reader must say about it."""
