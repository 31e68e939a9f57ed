"""docs/export.md shows the beginning of every file as it is made, and names every format."""

import json
import re
from pathlib import Path

import gguf
import pytest
import torch
from deployed_reports import deployment_report
from exported import export, model_folder, tensors_of
from reports_with_channels import channels, write_with

from hubmaxact.engine_files.table import ROWS

PAGE = Path(__file__).parents[2] / "docs" / "export.md"
BLOCK = re.compile(r"<!-- BEGIN (?P<name>\S+) -->\n.*?<!-- END (?P=name) -->", re.DOTALL)
DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
MOST_LINES = 24
NUM_TENSORS = 4


def beginning(text):
    lines = text.splitlines()
    return "\n".join(lines[:MOST_LINES] + ["..."] * (len(lines) > MOST_LINES))


def header(content):
    """Metadata and the first tensors of a safetensors file, as lines."""
    tensors, metadata = tensors_of(content)
    lines = [f"{name} = {value}" for name, value in metadata.items()]
    for name, (shape, values) in list(tensors.items())[:NUM_TENSORS]:
        lines.append(f"{name}  F32 {shape}  {values[0]:.6g}")
    return "\n".join([*lines, "..."])


def act_scales(path):
    """The first tensors of a file of torch.save, as lines."""
    tensors = list(torch.load(path, weights_only=True).items())[:NUM_TENSORS]
    lines = [f"{name}  F32 {list(x.shape)}  {x[0]:.6g} ..." for name, x in tensors]
    return "\n".join([*lines, "..."])


def gguf_header(path):
    """Keys and the first tensors of a GGUF file, as lines."""
    reader = gguf.GGUFReader(path)
    told = {name: field.contents() for name, field in reader.fields.items()}
    lines = [f"{name} = {value}" for name, value in told.items() if not name.startswith("GGUF.")]
    lines += [
        f"{tensor.name}  F32 {tensor.shape.tolist()}  {tensor.data[0][0]:.6g} ..."
        for tensor in reader.tensors[:NUM_TENSORS]
    ]
    return "\n".join([*lines, "..."])


def shown(folder, to):
    """The file's first lines; of a checkpoint, the new shard's and what config.json got."""
    if to == "compressed-tensors-kv":
        assert export(folder, folder / "dense", to, "--output", "kv").returncode == 0
        told = json.loads((folder / "kv" / "config.json").read_bytes())["quantization_config"]
        shard = header((folder / "kv" / "model-kv-scales.safetensors").read_bytes())
        text = json.dumps({"quantization_config": told}, indent=2)
        return f"```text\n{shard}\n```\n\n```json\n{text}\n```"
    assert export(folder, folder / "report.json", to, "--output", to).returncode == 0
    if to in {"smoothquant", "imatrix"}:
        lines = act_scales if to == "smoothquant" else gguf_header
        return f"```text\n{lines(folder / to)}\n```"
    content = (folder / to).read_bytes()
    if to == "input-scales":
        return f"```text\n{header(content)}\n```"
    return f"```json\n{beginning(content.decode())}\n```"


@pytest.fixture
def folder(tmp_path):
    model_folder(tmp_path / "dense")
    report = deployment_report(2)
    for position, share in ((3, 0.002), (7, 0.01)):
        row = report["linear_inputs"][position]
        row["rms"] = share * row["abs_max"]
        row["abs_quantiles"] = dict.fromkeys(row["abs_quantiles"], 0.0)
    write_with(tmp_path / "report.json", report, channels(report))
    return tmp_path


def test_the_page_shows_what_is_written(folder, docs_file):
    def block(found):
        body = DIGEST.sub("(64 digits)", shown(folder, found["name"]))
        return f"<!-- BEGIN {found['name']} -->\n\n{body}\n\n<!-- END {found['name']} -->"

    docs_file("export.md", BLOCK.sub(block, PAGE.read_text("utf-8")))


def test_every_format_and_choice_stands_in_the_page():
    page = PAGE.read_text("utf-8")
    for row in ROWS:
        assert f"`{row.name}`" in page
        for choice in row.choices:
            assert f"--{choice.replace('_', '-')}" in page
