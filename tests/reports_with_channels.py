"""Deployment reports with a `channels.safetensors` beside them, made by arithmetic."""

import hashlib

from example_reports import NUM_TOKENS

from hubmaxact.report.write import report_bytes
from hubmaxact.sidecars.own_folder import folder_of
from hubmaxact.sidecars.safetensors_bytes import StoredTensor, encoded

NAME, OF_EXPERTS = "channels.safetensors", "experts.safetensors"
HEAD_CHANNELS = 16
CALIBRATION_ROWS = 40_000


def channels(report):
    """Tensors by name: each channel has a share of the largest, which the last one has."""
    found = {}
    for row in report["linear_inputs"]:
        width, module = row["count"] // NUM_TOKENS, row["modules"][0]
        values = ascending(row["abs_max"], width)
        found[f"{module}.input.abs_max"] = StoredTensor(values, (width,))
        squares = [CALIBRATION_ROWS * (value / 4) ** 2 for value in values]
        found[f"{module}.input.sum_sq"] = StoredTensor(squares, (width,), "F64")
        found[f"{module}.input.sum_sq_rows"] = StoredTensor([CALIBRATION_ROWS], (1,), "I64")
        found[f"{module}.input.num_rows"] = StoredTensor([NUM_TOKENS], (1,), "I64")
    for row in report["kv"]:
        heads, half = row["num_kv_heads"], HEAD_CHANNELS // 2
        for role in ("key", "value"):
            flat = [v for most in row[role]["per_head"] for v in ascending(most, HEAD_CHANNELS)]
            shape = (heads, HEAD_CHANNELS)
            found[f"{row['module']}.{role}.abs_max"] = StoredTensor(flat, shape)
        norms = [1.25 * v for most in row["key"]["per_head"] for v in ascending(most, half)]
        found[f"{row['module']}.key.pair_max"] = StoredTensor(norms, (heads, half))
    return found


def expert_channels(report):
    """Tensors by name: every expert was given as many rows, the last one none."""
    found = {}
    for row in report["experts"]:
        number, experts = row["num_experts"], f"model.layers.{row['layer']}.mlp.experts"
        rows = [CALIBRATION_ROWS] * (number - 1) + [0]
        for reads, width in (("input", 64), ("down_input", 32)):
            sums = [float(expert + channel) for expert in range(number) for channel in range(width)]
            found[f"{experts}.{reads}.sum_sq"] = StoredTensor(sums, (number, width))
            found[f"{experts}.{reads}.sum_sq_rows"] = StoredTensor(rows, (number,), "I64")
    return found


def ascending(most, number):
    return [most * (1 + place) / number for place in range(number)]


def write_with(path, report, tensors, *, experts=None):
    """Write a report and, beside it, tensors that it names; returns its path."""
    files = {NAME: tensors} | ({} if experts is None else {OF_EXPERTS: experts})
    contents = {name: encoded(found, {"format": "hubmaxact"}) for name, found in files.items()}
    report["sidecars"] = [
        {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in contents.items()
    ]
    path.write_bytes(report_bytes(report))
    folder_of(path).mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder_of(path) / name).write_bytes(content)
    return path
