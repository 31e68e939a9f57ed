"""A deployment report of the dense model that lies here, as a file, and exports of it."""

import json
import shutil
import struct

from command import DENSE, hubmaxact_here
from deployed_reports import deployment_report
from example_reports import weights_of

from hubmaxact.engine_files.matching_rules import lists_of
from hubmaxact.report.write import report_bytes

NUM_LAYERS = 8
BLOCKS = ("self_attn.q_proj", "self_attn.o_proj", "mlp.down_proj", "mlp.gate_proj", "mlp.gate")
EXPERTS = [f"mlp.experts{rest}" for rest in ("", ".0.down_proj", ".11.up_proj", ".1.gate_proj")]
ALL_MODULES = [f"model.layers.{n}.{name}" for n in range(25) for name in (*BLOCKS, *EXPERTS)] + [
    "lm_head"
]
TRAPS = [
    "model.layers.1.mlp.down_proj_extra",
    "model.layers.2.mlp.experts_norm",
    "model.layers_2.mlp.experts",
]
KEPT = ["model.layers.1.mlp.down_proj", "model.layers.12.self_attn.q_proj"]
FUSED = ["model.layers.2.mlp.experts.gate_up_proj", "model.layers.2.mlp.experts.down_proj"]
LISTS = lists_of([*KEPT, *FUSED], [*KEPT, *FUSED])
LOCAL = {"id": None, "revision": None, "commit": None, "base_model": None, "family": None}


def report_of(weights, num_experts=0):
    """What `measure --profile deployment` could say of that model; maxima are made up."""
    told = {**LOCAL, **weights_of(weights), "model_type": "qwen3"}
    return deployment_report(NUM_LAYERS, num_experts, 128, model=told)


def write_report(path, report):
    path.write_bytes(report_bytes(report))
    return path


def model_folder(folder, model=DENSE, num_experts=0):
    """A copy of a model with its report beside it."""
    shutil.copytree(model, folder)
    weights = {path.name: path.read_bytes() for path in sorted(folder.glob("*.safetensors"))}
    write_report(folder / "activation_maxima.json", report_of(weights, num_experts))
    return folder


def export(folder, source, to, *words):
    """Run `hubmaxact export` in a folder."""
    return hubmaxact_here("export", source, "--to", to, *words, cwd=folder)


def tensors_of(content):
    """Read a safetensors file by the format's own words: header, metadata, float32 values."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__")
    found = {}
    for name, entry in header.items():
        assert entry["dtype"] == "F32"
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        values = struct.unpack(f"<{(end - begin) // 4}f", content[begin:end])
        found[name] = (entry["shape"], values)
    return found, metadata
