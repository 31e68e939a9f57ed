"""Reports for tests, made by arithmetic alone: consistent, deterministic, no torch, no model.

The numbers imitate published ones in shape (a jump of the residual stream early in the model,
a value that then stands unchanged through many layers); they measure nothing.
"""

import copy
import hashlib
import math
import statistics
import struct
from collections import Counter

from hubmaxact.corpus.prng import Generator
from hubmaxact.formats import INT8_CONVENTION, INT8_LABEL, INT8_POLICIES, LARGEST_FINITE, bf16_step
from hubmaxact.report.roles import PAPER_ROLES, ROLE_BY_NAME, SITE_ROLES, site_order

QUANTILES = {"0.25": 0.3, "0.5": 0.7, "0.75": 1.2, "0.9": 1.6, "0.99": 2.6}
QUANTILES |= {"0.999": 3.5, "0.9999": 5}
DOMAINS = {
    "math": 850, "code": 850, "web": 850, "knowledge": 850,
    "chinese": 400, "minority_scripts": 300, "other": 900,
}  # fmt: skip
MODULES = {
    "embedding": "model.embed_tokens",
    "hidden_state": "model.layers.{}",
    "attention_output": "model.layers.{}.self_attn",
    "mlp_output": "model.layers.{}.mlp",
    "mlp_gate": "model.layers.{}.mlp.gate_proj",
    "router_logits": "model.layers.{}.mlp.gate",
    "final_norm": "model.norm",
    "attention_update": "model.layers.{}.post_attention_layernorm",
    "mlp_update": "model.layers.{}.post_feedforward_layernorm",
    "mid_residual": "model.layers.{}.pre_feedforward_layernorm",
}
NULLABLE = ("min", "max", "abs_max", "mean", "std", "rms", "abs_mean", "zero_fraction")
NUM_TOKENS = 12_582_912
TOO_FEW = "the corpus has fewer texts than both splits need"


def bf16(value: float) -> float:
    """The nearest bf16 value, ties to even."""
    (bits,) = struct.unpack("<I", struct.pack("<f", value))
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 << 16
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def site(role, layer, peak, *, width, place=(0, 0, 151643, 1234), part=None, module=None):
    """One site whose largest value is `peak` (signed), at `place`, over NUM_TOKENS tokens."""
    peak, (sample, position, token_id, channel) = bf16(peak), place
    abs_max = abs(peak)
    other = -math.copysign(bf16(abs_max * 0.375), peak)
    typical = min(1.0, abs_max / 8) if abs_max else 0.0
    mean, std = typical / 64, max(typical, abs_max / 40)
    choice = Generator(hash_of(f"{role} {layer} {part}"))
    values = [peak, *(bf16(peak * share) for share in (0.97, 0.75, -0.375, 0.25))]
    return {
        "role": role,
        "layer": layer,
        "part": part,
        "module": module or MODULES[role].format(layer),
        "count": NUM_TOKENS * width,
        "min": min(peak, other) + 0.0,
        "max": max(peak, other) + 0.0,
        "abs_max": abs_max,
        "mean": mean,
        "std": std,
        "rms": math.hypot(mean, std),
        "abs_mean": 0.75 * typical,
        "abs_quantiles": {q: min(bf16(typical * share), abs_max) for q, share in QUANTILES.items()},
        "zero_fraction": 0.0 if abs_max else 1.0,
        "num_nan": 0,
        "num_inf": 0,
        "massive": {
            "num_tokens": 5000 if abs_max > 2000 else 0,
            "max_ratio": abs_max / bf16(typical / 2) if abs_max else None,
        },
        "top": [
            {
                "sample": sample if rank == 0 else choice.below(5000),
                "token_position": position if rank == 0 else choice.below(4096),
                "token_id": token_id if rank == 0 else 1000 * rank + choice.below(1000),
                "channel": channel if rank == 0 else choice.below(width),
                "value": value + 0.0,
            }
            for rank, value in enumerate(values)
        ],
    }


def hash_of(text: str) -> int:
    """A seed from a string, the same on every run."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def residual_stream(num_layers: int, start: int, peak: float, end: float) -> list[float]:
    """Per-layer maxima that grow, jump at `start`, stand, and fall in the last two layers."""
    values = [2.0 + 3.0 * layer for layer in range(start)]
    values += [peak] * (num_layers - start - 2)
    return [*values, peak * 0.8, end][:num_layers]


def decoder_sites(num_layers, hidden_size, stream, *, experts=False, gate_width=None):
    """The sites of profile `paper` for a decoder whose hidden states peak at `stream`."""
    sites = [site("embedding", None, 0.30078125, width=hidden_size, place=(7, 12, 3838, 400))]
    for layer, peak in enumerate(stream):
        wobble = 1 + 0.5 * math.sin(layer * 1.7)
        jump = peak if layer and abs(peak) > 3 * abs(stream[layer - 1]) else 24 * wobble + layer
        sites.append(site("hidden_state", layer, peak, width=hidden_size))
        sites.append(site("attention_output", layer, 3 + 9 * wobble, width=hidden_size))
        sites.append(site("mlp_output", layer, jump * 0.96, width=hidden_size))
        sites.append(site("mlp_gate", layer, -11 * wobble - 9, width=gate_width or 3 * hidden_size))
        if experts:
            router = site("router_logits", layer, 8 + wobble, width=experts, place=(3, 9, 11, 5))
            sites.append(router)
    sites.append(site("final_norm", None, 187, width=hidden_size, place=(41, 77, 198, 1234)))
    return sites


def assemble(sites, *, num_layers, hidden_size, domains=DOMAINS, missing=(), experts=(), **merges):
    """Everything in a report that follows from its sites, and plain facts for the rest.

    `merges` updates top-level objects by name: model={"id": None}.
    """
    sites = sorted(sites, key=lambda s: site_order(s["role"], s["layer"], s["part"]))
    finite = [s for s in sites if s["abs_max"] is not None]
    num_samples = sum(domains.values())
    peak = peak_of([s for s in finite if ROLE_BY_NAME[s["role"]].in_global_max], num_samples)
    abs_max = peak["abs_max"] if peak else None
    broken = any(s["num_nan"] + s["num_inf"] for s in sites)
    report = {
        "schema_version": "0.1",
        "model": model_facts(num_layers, hidden_size, moe=bool(experts)),
        "protocol": protocol_facts(num_samples, dict(domains), moe=bool(experts)),
        "environment": {
            "hubmaxact": "0.1.0",
            "torch": "2.13.0+cu130",
            "transformers": "5.23.0",
            "python": "3.12.11",
            "device_type": "cuda",
            "device_name": "NVIDIA H200",
        },
        "status": "non_finite" if broken else "partial" if missing else "complete",
        "coverage": coverage_facts(sites, missing, num_layers),
        "global_max": peak,
        "max_by_role": max_by_role(finite),
        "sites": sites,
        "experts": list(experts),
        "domains": domain_maxima(domains, abs_max),
        "dtype_headroom": headroom(finite, abs_max),
        "quantization": {"formats": format_rows(sites, peak, num_samples)},
        "stability": stability(abs_max, num_samples),
    }
    report = copy.deepcopy(report)
    for name, changes in merges.items():
        report[name].update(changes)
    return report


def model_facts(num_layers, hidden_size, *, moe):
    """Facts about a checkpoint that does not exist."""
    files = [f"model-{part:05}-of-00003.safetensors" for part in (1, 2, 3)]
    return {
        "id": "example-org/Example-8B",
        "revision": "main",
        "commit": hashlib.sha1(b"example").hexdigest(),
        "weight_files": [
            {"path": f, "size": 4_967_215_360, "sha256": hashlib.sha256(f.encode()).hexdigest()}
            for f in files
        ],
        "model_type": "qwen3_moe" if moe else "qwen3",
        "family": "Qwen3",
        "architecture": "moe" if moe else "dense",
        "stage": "instruct",
        "base_model": "example-org/Example-8B-Base",
        "tokens_trained": None,
        "modalities": ["text"],
        "num_parameters": 8_190_735_360,
        "num_active_parameters": 2_190_735_360 if moe else 8_190_735_360,
        "num_layers": num_layers,
        "hidden_size": hidden_size,
        "weights_dtype": "bfloat16",
        "weights_quantization": None,
        "dequantized": False,
        "remote_code": False,
    }


def weights_of(contents):
    """Facts of a model whose weight files have these contents, a parameter in each byte."""
    files = [
        {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for path, content in contents.items()
    ]
    size = sum(file["size"] for file in files)
    return {"weight_files": files, "num_parameters": size, "num_active_parameters": size}


def protocol_facts(num_samples, domains, *, moe):
    """The default protocol over the embedded corpus."""
    return {
        "profile": "paper",
        "corpus": {
            "name": "probe-5k",
            "version": "1",
            "kind": "synthetic",
            "digest": "sha256:" + hashlib.sha256(b"probe").hexdigest(),
            "num_samples": num_samples,
            "num_tokens": NUM_TOKENS,
            "domains": domains,
        },
        "max_seq_len": 4096 if num_samples > 4000 else 1_048_576,
        "special_tokens": {"policy": "as_tokenizer", "bos_added": False},
        "chat_template": None,
        "dtype": "bfloat16",
        "attn_implementation": "sdpa",
        "experts_implementation": "grouped_mm" if moe else None,
        "batch_tokens": 16384,
        "batch_plan_digest": "sha256:" + hashlib.sha256(b"plan").hexdigest(),
        "calibration_samples": 128,
        "evaluation_samples": 256,
        "counts_rounded_to": None,
    }


def coverage_facts(sites, missing, num_layers):
    """Counts per role."""
    fired, lost = Counter(s["role"] for s in sites), Counter(m["role"] for m in missing)
    coverage = {
        role.name: {
            "expected": fired[role.name] + lost[role.name],
            "fired": fired[role.name],
            "absent": absent(role, (*sites, *missing), num_layers),
        }
        for role in PAPER_ROLES
    }
    return {**coverage, "missing": list(missing)}


def absent(role, sites, num_layers):
    """How many layers, or final norms, were never promised."""
    if role.name == "embedding":
        return 0
    promised = {s["layer"] for s in sites if s["role"] == role.name}
    return (num_layers if role.per_layer else 1) - len(promised)


def peak_of(sites, num_samples):
    """M, its coordinates and its carriers."""
    if not sites:
        return None
    largest = max(s["abs_max"] for s in sites)
    tied = [s for s in sites if s["abs_max"] == largest]
    place = ("role", "layer", "part", "module")
    coordinates = ("sample", "token_position", "token_id", "channel")
    carriers = [
        {
            **{name: s["top"][0][name] for name in coordinates},
            **{name: s[name] for name in place},
            "num_ties": 3 if s["layer"] is None or s["layer"] % 2 else 1,
        }
        for s in tied
    ]
    return {
        **{name: tied[0]["top"][0][name] for name in coordinates},
        "value": tied[0]["top"][0]["value"],
        "abs_max": largest,
        **{name: tied[0][name] for name in place},
        "batch": min(17, num_samples - 1),
        "bf16_step": bf16_step(largest),
        "carriers": carriers,
    }


def max_by_role(sites):
    """The first largest site of each role."""
    best = {}
    for s in sites:
        if s["role"] not in best or s["abs_max"] > best[s["role"]]["abs_max"]:
            best[s["role"]] = s
    return {
        role.name: {
            "value": best[role.name]["top"][0]["value"],
            "layer": best[role.name]["layer"],
            "module": best[role.name]["module"],
        }
        for role in SITE_ROLES
        if role.name in best
    }


def domain_maxima(domains, abs_max):
    """M in the first domain, a little less in each next one."""
    if abs_max is None:
        return dict.fromkeys(domains)
    return {name: bf16(abs_max * (1 - 0.04 * n)) for n, name in enumerate(domains)}


def headroom(sites, abs_max):
    """M against four formats, in bf16; an infinity is beyond all of them."""
    infinite = next((s for s in sites if s["num_inf"]), None)
    largest = infinite or max(sites, key=lambda s: s["abs_max"], default=None)
    rows = {}
    for name, limit in LARGEST_FINITE.items():
        exceeded = infinite is not None or (largest is not None and largest["abs_max"] > limit)
        where = {key: largest[key] for key in ("role", "layer", "module")} if exceeded else None
        if where:
            where["abs_max"] = None if infinite else largest["abs_max"]
        rows[name] = {
            "largest_finite": limit,
            "ratio": None if abs_max is None else abs_max / limit,
            "exceeded": exceeded,
            "where": where,
        }
    return rows


def format_rows(sites, peak, num_samples):
    """INT8 rows on every hidden state, the final norm and whatever carries M."""
    carriers = [(c["role"], c["layer"]) for c in peak["carriers"]] if peak else []
    rows = []
    for s in sites:
        if s["role"] in ("hidden_state", "final_norm") or (s["role"], s["layer"]) in carriers:
            rows += [format_row(s, policy, num_samples) for policy in INT8_POLICIES]
    return rows


def format_row(s, policy, num_samples):
    """Errors that grow with the threshold, or null rows when the corpus is too small."""
    where = {name: s[name] for name in ("role", "layer", "part")}
    head = {"site": where, "format": "int8", "granularity": "per_tensor", "policy": policy}
    tail = {"label": INT8_LABEL, "reason": None}
    if num_samples < 384 or not s["abs_max"]:
        nulls = dict.fromkeys(("threshold", "sum_sq", "err_sq"))
        rates = dict.fromkeys(("sqnr_db", "rel_rmse", "rel_mae", "clip_rate"))
        tail["reason"] = TOO_FEW if num_samples < 384 else "no value above zero"
        return {**head, **nulls, "convention": INT8_CONVENTION, "count": 0, **rates, **tail}
    clip = policy != "max_abs"
    threshold = s["abs_quantiles"]["0.999"] if clip else s["abs_max"]
    count = s["count"] // 20
    signal = s["rms"] ** 2 * count
    noise = max(count * (threshold / 127) ** 2 / 12, signal * (0.5 if clip else 1e-5))
    noise = min(noise, signal * 0.999)
    return {
        **head,
        "threshold": threshold,
        "convention": INT8_CONVENTION,
        "sum_sq": signal,
        "err_sq": noise,
        "count": count,
        "sqnr_db": 10 * math.log10(signal / noise),
        "rel_rmse": math.sqrt(noise / signal),
        "rel_mae": math.sqrt(noise / signal) * 0.9,
        "clip_rate": 0.001 if clip else 0.0,
        **tail,
    }


def stability(abs_max, num_samples):
    """Two subset sizes of five values, or the reason why there are none."""
    if not abs_max or num_samples < 2000:
        return {"subsets": [], "reason": "the corpus has fewer than 1,000 texts"}
    rows = []
    for size, shares in ((1000, (0.94, 1, 0.97, 0.94, 1)), (2000, (1, 1, 0.97, 1, 1))):
        values = [bf16(abs_max * share) for share in shares]
        mean = statistics.fmean(values)
        rows.append(
            {
                "size": size,
                "values": values,
                "range_over_mean": (max(values) - min(values)) / mean,
                "coefficient_of_variation": statistics.stdev(values) / mean,
            }
        )
    return {"subsets": rows, "reason": None}


def dense_report(num_layers=36, hidden_size=4096, peak=-7968.0, **merges):
    """A dense model whose residual stream jumps at layer 6 and then stands: many carriers."""
    stream = residual_stream(num_layers, min(6, num_layers // 3), peak, 420)
    sites = decoder_sites(num_layers, hidden_size, stream)
    return assemble(sites, num_layers=num_layers, hidden_size=hidden_size, **merges)


def small_report(**merges):
    """Four layers, one carrier: short enough to read."""
    sites = decoder_sites(4, 64, [1.5, 23, 61, 40])
    for s in sites:
        s["top"] = [t | {"channel": t["channel"] % 64} for t in s["top"]]
    return assemble(sites, num_layers=4, hidden_size=64, **merges)


def huge_report(**merges):
    """Values beyond fp16, as some sandwich-norm models have."""
    return dense_report(34, 2560, 696_320.0, **merges)


def moe_report(num_layers=8, num_experts=64, **merges):
    """A mixture of experts: ties across roles, routing, some experts never used."""
    stream = residual_stream(num_layers, 2, 1512.0, 96)
    sites = decoder_sites(num_layers, 2048, stream, experts=num_experts)
    tie = next(s for s in sites if (s["role"], s["layer"]) == ("mlp_output", 2))
    sites[sites.index(tie)] = site("mlp_output", 2, -1512.0, width=2048)
    experts = [
        {
            "layer": layer,
            "num_experts": num_experts,
            "tokens": {"least": 0 if layer == 3 else 9120, "median": 1_540_022, "most": 9_803_114},
            "never_routed": [7, num_experts - 4] if layer == 3 else [],
            "mlp_gate": {"abs_max": gate, "expert": layer + 2},
        }
        for layer, gate in enumerate(s["abs_max"] for s in sites if s["role"] == "mlp_gate")
    ]
    model = {"id": "example-org/Example-30B-A3B"} | merges.pop("model", {})
    return assemble(
        sites, num_layers=num_layers, hidden_size=2048, experts=experts, model=model, **merges
    )


def partial_report(**merges):
    """One attention block was never seen."""
    sites = decoder_sites(4, 2048, [1.5, 23, 61, 40])
    sites = [s for s in sites if (s["role"], s["layer"]) != ("attention_output", 2)]
    missing = [
        {
            "role": "attention_output",
            "layer": 2,
            "part": None,
            "module": "model.layers.2.self_attn",
            "reason": "never fired",
        }
    ]
    return assemble(sites, num_layers=4, hidden_size=2048, missing=missing, **merges)


def non_finite_report(**merges):
    """NaN in one layer, and nothing finite at all in the last norm."""
    sites = decoder_sites(4, 2048, [1.5, 23, 61, 40])
    for s in sites:
        if (s["role"], s["layer"]) == ("hidden_state", 3):
            s["num_nan"], s["num_inf"] = 4096, 12
        if s["role"] == "final_norm":
            s.update(dict.fromkeys(NULLABLE))
            s["num_nan"], s["top"] = s["count"], []
            s["abs_quantiles"] = dict.fromkeys(QUANTILES)
            s["massive"] = {"num_tokens": 0, "max_ratio": None}
    return assemble(sites, num_layers=4, hidden_size=2048, **merges)


def few_samples_report(**merges):
    """Too few texts for the splits and the subsets: null rows with reasons; a local folder."""
    sites = decoder_sites(4, 2048, [1.5, 23, 61, 40])
    for s in sites:
        s["top"] = [t | {"sample": t["sample"] % 16} for t in s["top"]]
    local = {"id": None, "revision": None, "commit": None, "base_model": None, "family": None}
    return assemble(
        sites,
        num_layers=4,
        hidden_size=2048,
        domains={"math": 8, "code": 8},
        model=local | merges.pop("model", {}),
        **merges,
    )


BY_NAME = {
    "dense": dense_report,
    "huge": huge_report,
    "moe": moe_report,
    "partial": partial_report,
    "non_finite": non_finite_report,
    "few_samples": few_samples_report,
}
"""One of each kind; every rendering is held to all of them."""
