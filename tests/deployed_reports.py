"""Reports of profile `deployment` for tests, made by arithmetic alone as those of `paper` are."""

import copy
import hashlib
import math

import example_reports
from example_reports import NUM_TOKENS, QUANTILES, bf16, site

from hubmaxact.deployed_formats import LABEL, formats_of
from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.report.deployment import BLOCKS, CHANNELS, EXPERTS, QUANTIZATION
from hubmaxact.report.roles import PAPER_ROLES, ROLE_BY_NAME, ROLES
from hubmaxact.report.rounded_tensors import rounded_places
from hubmaxact.report.watched_rows import watched_rows

LEVELS = {
    "int8/per_token": 41.0,
    "int8/per_tensor": 33.5,
    "float8_e4m3fn/per_token": 31.6,
    "float8_e4m3fn/per_tensor": 31.4,
    "float8_e4m3fn/block_128": 31.7,
    "float8_e5m2/per_token": 25.6,
    "float8_e5m2/per_tensor": 25.5,
    "mxfp8/block_32": 30.4,
    "mxfp4/block_32": 17.9,
    "nvfp4/block_16": 20.4,
}
"""What formats reach, in dB."""

MAPS = {
    "self_attn.q_proj": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "self_attn.o_proj": ("self_attn.o_proj",),
    "mlp.gate_proj": ("mlp.gate_proj", "mlp.up_proj"),
    "mlp.down_proj": ("mlp.down_proj",),
}
EXPERTS_MAPS = {
    "self_attn.q_proj": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "self_attn.o_proj": ("self_attn.o_proj",),
    "mlp.experts.gate_up_proj": ("mlp.experts.gate_up_proj",),
    "mlp.experts.down_proj": ("mlp.experts.down_proj",),
    "mlp.shared_expert.gate_proj": ("mlp.shared_expert.gate_proj", "mlp.shared_expert.up_proj"),
    "mlp.shared_expert.down_proj": ("mlp.shared_expert.down_proj",),
}
STREAM = ("embedding", "hidden_state", "attention_update", "mlp_update", "mid_residual")
EXPERT_ROLES = ("expert_input", "expert_down_input")


def deployment_report(
    num_layers=2,
    num_experts=0,
    hidden_size=64,
    *,
    plain=False,
    rounded=False,
    num_heads=2,
    more_maps=(),
    **merges,
):
    """Sandwich norms whose updates dwarf what their blocks put out; keys beyond FP8.

    `plain`: no norms, so that updates are what the blocks put out. `rounded`: with what deployed
    formats lose; earlier versions did not measure that. `more_maps`: maps of each layer beside the
    usual ones, by the part that they are.
    """
    stream = example_reports.residual_stream(num_layers, 1, 103936.0, 9216.0)[:num_layers]
    sites = example_reports.decoder_sites(
        num_layers, hidden_size, stream, experts=num_experts or False
    )
    for layer, peak in enumerate(stream):
        if plain:
            sites += [
                each | {"role": each["role"].replace("output", "update")}
                for each in sites
                if each["layer"] == layer and each["role"] in ("attention_output", "mlp_output")
            ]
        else:
            sites.append(site("attention_update", layer, 41 + layer, width=hidden_size))
            sites.append(site("mlp_update", layer, peak * 0.97, width=hidden_size))
        sites.append(site("mid_residual", layer, 61 + layer, width=hidden_size))
    for each in sites:
        each["top"] = each["top"][: 1 if each["role"].endswith(("update", "residual")) else 2]
        for entry in each["top"]:
            entry["channel"] %= hidden_size
            if abs(entry["value"]) > 1000:  # an attention sink's, as all else that is as large
                entry["token_position"] = 0
    experts = [
        _experts(layer, num_experts, sites) for layer in range(num_layers * (num_experts > 0))
    ]
    report = example_reports.assemble(
        sites, num_layers=num_layers, hidden_size=hidden_size, experts=experts
    )
    maps = (EXPERTS_MAPS if num_experts else MAPS) | dict(more_maps)
    inputs = [
        linear_input(layer, part, names, peak=3.5 * (1 + row) * (1 + layer), width=hidden_size)
        for layer in range(num_layers)
        for row, (part, names) in enumerate(maps.items())
    ]
    kv = [cached(layer, num_heads) for layer in range(num_layers)]
    report = _completed(report, inputs, kv, num_layers, bool(num_experts))
    if rounded:
        report["protocol"]["format_errors"] = "all"
        by_text = report["stability"]["by_text"]
        by_text["by_position"] = by_position(by_text)
        report["quantization"]["pooled"] = pooled(report)
        report["sidecars"].append(sidecar(QUANTIZATION))
    for name, changes in merges.items():
        report[name].update(changes)
    return report


def counted(report):
    """The same report with tokens beyond each format, and one text alone that reaches M."""
    report = copy.deepcopy(report)
    for row in report["dtype_headroom"].values():
        for rank, each in enumerate(row["exceeded_by"]):
            is_counted = ROLE_BY_NAME[each["role"]].rows != "kv"
            each["tokens"] = 700 + rank if is_counted else None
    by_text = report["stability"]["by_text"]
    found = by_text["all_tokens"]
    found |= {"tail": tail(found["abs_max"]), "reason": None}
    found["reached_by"] = dict.fromkeys(found["reached_by"], 1)
    for row in by_text.get("by_position", [])[:1]:
        row["num_texts_reaching_max"] = 1
    return report


def excesses(rows, limit):
    """A row for each role that exceeds a format."""
    of_role = {}
    for row in rows:
        if row.abs_max > limit:
            of_role.setdefault(row.role, []).append(row)
    for role in sorted(of_role, key=[role.name for role in ROLES].index):
        largest = max(of_role[role], key=lambda row: row.abs_max)
        yield {
            "role": role,
            "layers": sorted({row.layer for row in of_role[role]} - {None}),
            "layer": largest.layer,
            "module": largest.module,
            "abs_max": largest.abs_max,
            "factor": largest.abs_max / limit,
        }


def linear_input(layer, part, names, *, peak, width):
    """One row of linear_inputs."""
    abs_max = bf16(peak)
    return {
        "layer": layer,
        "part": part,
        "modules": [f"model.layers.{layer}.{name}" for name in names],
        "count": NUM_TOKENS * width,
        "abs_max": abs_max,
        "rms": 0.25 * abs_max,
        "abs_quantiles": {q: bf16(abs_max * share / 8) for q, share in QUANTILES.items()},
        "block_max_quantiles": {
            size: {q: bf16(abs_max * share / lower) for q, share in QUANTILES.items()}
            for size, lower in (("16", 7), ("32", 6.5), ("128", 6))
        },
        "num_nan": 0,
        "num_inf": 0,
        "sample": 7,
        "token_position": 0,
        "token_id": 198,
        "channel": layer,
    }


def cached(layer, num_heads=2):
    """One row of kv; the first layer's keys are beyond FP8 E4M3."""
    keys = [bf16(600.0 / (1 + layer) / (1 + head)) for head in range(num_heads)]
    values = [bf16(2.5 + head) for head in range(num_heads)]
    return {
        "layer": layer,
        "part": None,
        "module": f"model.layers.{layer}.self_attn",
        "kind": "heads",
        "num_kv_heads": num_heads,
        "key": {"abs_max": max(keys), "per_head": keys, "num_nan": 0, "num_inf": 0},
        "value": {"abs_max": max(values), "per_head": values, "num_nan": 0, "num_inf": 0},
        "query": {"abs_max": 24.0, "num_nan": 0, "num_inf": 0},
        "rotary": {"pairs": "halves", "channels": 16},
        "attention_logit": {"value": 112.5 / (1 + layer), "kind": "bound"},
    }


def sidecar(name):
    """The row of a file that lies nowhere."""
    return {"name": name, "size": 4096, "sha256": hashlib.sha256(name.encode()).hexdigest()}


def pooled(report):
    """A row for each kind of tensor and each way, the later tensors the better."""
    return [
        pooled_row(kind, way, places)
        for kind, places in rounded_places(report).items()
        if places
        for way in formats_of(kind)
    ]


def pooled_row(kind, way, places):
    """One of them; keys unscaled are partly beyond E4M3."""
    level = LEVELS[f"{way.format}/{way.granularity}"]
    count, sum_sq = 512 * NUM_TOKENS, 2.0**34
    err_sq = sum_sq / 10 ** (level / 10)
    clips = way.policy == "clip_q0.999" or (kind, way.format, way.policy) == (
        *("key", "float8_e4m3fn"),
        "unscaled",
    )
    return {
        "kind": kind,
        "format": way.format,
        "granularity": way.granularity,
        "policy": way.policy,
        "convention": way.convention,
        "num_tensors": len(places),
        "sum_sq": sum_sq,
        "err_sq": err_sq,
        "count": count,
        "sqnr_db": 10 * math.log10(sum_sq / err_sq),
        "rel_rmse": math.sqrt(err_sq / sum_sq),
        "clip_rate": 0.001 if clips else 0.0,
        "underflow_rate": 0.03125 if way.format == "int8" else 0.0,
        "worst": [
            {**place._asdict(), "sqnr_db": level - 4 + 2 * rank}
            for rank, place in enumerate(places[:3])
        ],
        "label": LABEL,
        "reason": None,
    }


def by_text(abs_max, domains):
    """Maxima of texts: a first token that repeats M, and a tail without it."""
    first, second = list(domains)[:2]
    later, texts = bf16(abs_max / 8), sum(domains.values())
    ties = "4,812 texts tie with the 250 largest maxima or exceed them"
    return {
        "all_tokens": text_maxima(abs_max, texts, {first: 700}, 0.99, reason=ties),
        "after_first_token": text_maxima(later, texts, {second: 1}, 0.8, tail=tail(later)),
        "num_texts_peaking_at_first_token": texts - 12,
    }


def by_position(by_text):
    """First tokens carry M; without them texts peak late, and some of them do with them, too."""
    everything, later = by_text["all_tokens"], by_text["after_first_token"]["abs_max"]
    peaking = {0: everything["num_texts"] - 10, 11: 4, 12: 6}
    return [
        {
            "first_position": 1 << doubling >> 1,
            "last_position": max((1 << doubling) - 1, 0),
            "abs_max": later / 2 ** (12 - doubling) if doubling else everything["abs_max"],
            "num_texts_peaking": peaking.get(doubling, 0),
            "num_texts_reaching_max": 0 if doubling else sum(everything["reached_by"].values()),
        }
        for doubling in range(13)
    ]


def tail(abs_max):
    """A tail that is fitted to the largest maxima, up to this one."""
    return {
        "threshold": abs_max * 0.75,
        "num_texts": 251,
        "num_distinct": 38,
        "shape": 0.121,
        "scale": abs_max / 20,
        "p_value": 0.41,
        "growth": 10,
        "coverage": 0.9,
        "low": abs_max,
        "median": bf16(abs_max * 1.25),
        "high": bf16(abs_max * 2),
    }


def text_maxima(abs_max, num_texts, reached_by, share, *, tail=None, reason=None):
    """One block of `by_text`: half of the texts reach a share of the largest value."""
    sizes = [num_texts]
    while sizes[0] > 1:
        sizes.insert(0, sizes[0] // 2)
    saturation = [
        {"num_texts": size, "expected": abs_max * share ** (len(sizes) - 1 - rank)}
        for rank, size in enumerate(sizes)
    ]
    return {
        "num_texts": num_texts,
        "abs_max": abs_max,
        "reached_by": reached_by,
        "saturation": saturation,
        "tail": tail,
        "reason": reason,
    }


def _experts(layer, num_experts, sites):
    gate = next(s for s in sites if (s["role"], s["layer"]) == ("mlp_gate", layer))
    idle = [num_experts - 1] if layer == 1 else []
    maxima = [None if n in idle else bf16(3.5 - n % 7 / 16) for n in range(num_experts)]
    told = {"abs_max": 3.5, "expert": 0, "per_expert": maxima if num_experts < 64 else None}
    return {
        "layer": layer,
        "num_experts": num_experts,
        "tokens": {"least": 0 if idle else 9120, "median": 1_540_022, "most": 9_803_114},
        "never_routed": idle,
        "mlp_gate": {"abs_max": gate["abs_max"], "expert": 0},
        "input": told,
        "down_input": copy.deepcopy(told),
    }


def _completed(report, inputs, kv, num_layers, has_experts):
    """The report with its new arrays where they belong, and all that follows from them."""
    fields, beside = {}, [CHANNELS, BLOCKS, *([EXPERTS] if has_experts else [])]
    for name, value in report.items():
        fields[name] = value
        if name == "sites":
            fields |= {
                "linear_inputs": inputs,
                "kv": kv,
                "sidecars": [sidecar(each) for each in beside],
            }
    fields["schema_version"] = "0.2"
    domains, peak = fields["protocol"]["corpus"]["domains"], fields["global_max"]
    fields["stability"]["by_text"] = by_text(peak["abs_max"], domains)
    fields["protocol"]["profile"] = "deployment"
    missing = fields["coverage"].pop("missing")
    for role in ROLES[len(PAPER_ROLES) :]:
        fired = sum(row.role == role.name for row in watched_rows(fields))
        fired += num_layers * (has_experts and role.name in EXPERT_ROLES)
        absent = 0 if fired else num_layers
        fields["coverage"][role.name] = {"expected": fired, "fired": fired, "absent": absent}
    fields["coverage"]["missing"] = missing
    tell_headroom(fields)
    return fields


def tell_headroom(fields):
    """What exceeds which format, from the report's own rows."""
    largest = max(watched_rows(fields), key=lambda row: row.abs_max)
    for name, limit in LARGEST_FINITE.items():
        row = fields["dtype_headroom"][name]
        row["exceeded"] = largest.abs_max > limit
        keys = ("role", "layer", "module", "abs_max")
        row["where"] = {k: getattr(largest, k) for k in keys} if row["exceeded"] else None
        row["exceeded_by"] = list(excesses(watched_rows(fields), limit))
        row["residual_exponent"] = None
    peaks = (row.abs_max for row in watched_rows(fields) if row.role in STREAM)
    exponent = max(0, math.ceil(math.log2(max(peaks) / LARGEST_FINITE["float16"])))
    fields["dtype_headroom"]["float16"]["residual_exponent"] = exponent
