"""Deployment reports with a `channels.safetensors` beside them, made by arithmetic."""

import hashlib

from example_reports import NUM_TOKENS

from hubmaxact.report.write import report_bytes
from hubmaxact.sidecars.own_folder import folder_of
from hubmaxact.sidecars.safetensors_bytes import StoredTensor, encoded

NAME = "channels.safetensors"
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


def ascending(most, number):
    return [most * (1 + place) / number for place in range(number)]


def write_with(path, report, tensors):
    """Write a report and, beside it, tensors that it names; returns its path."""
    content = encoded(tensors, {"format": "hubmaxact"})
    digest = hashlib.sha256(content).hexdigest()
    report["sidecars"] = [{"name": NAME, "size": len(content), "sha256": digest}]
    path.write_bytes(report_bytes(report))
    folder_of(path).mkdir(exist_ok=True)
    (folder_of(path) / NAME).write_bytes(content)
    return path
