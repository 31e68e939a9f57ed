"""The release that a quantized one would have been, and what is measured of both."""

import re

import torch
from command import hubmaxact_here
from quantized.checkpoint import Checkpoint, read, write

from hubmaxact.measurement.checkpoint.weight_files import inspect
from hubmaxact.measurement.dequantization.expand import expand
from hubmaxact.report.read import read_report

FEW = ("--num-samples", "3", "--max-seq-len", "24", "--device", "cpu")
LATER = re.compile(r"layers\.([2-9]|\d\d)")
SAID = {"quantization_config", "compression_config"}


def plainly(folder, out):
    """The release that a quantized one would have been, its weights rounded once to bf16."""
    found, stored = read(folder), inspect(folder).stored
    tensors = {name: found.tensors[name] for name in stored.plain}
    for weight in stored.weights:
        parts = {part: found.tensors[name] for part, name in weight.parts.items()}
        tensors[weight.name] = expand(weight, parts).to(torch.bfloat16)
    config = {key: value for key, value in found.config.items() if key not in SAID}
    write(Checkpoint(tensors, config), out, folder)
    return out


def measured(folder, *options):
    """The report of a folder and the command that wrote it."""
    done = hubmaxact_here("measure", folder, *FEW, *options, cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    return read_report(folder.parent / "activation_maxima.json"), done


def shortened(folder, out):
    """A plain checkpoint's first two layers alone."""
    found = read(folder)
    kept = {name: tensor for name, tensor in found.tensors.items() if not LATER.search(name)}
    config = found.config | {"num_hidden_layers": 2}
    if "layer_types" in config:
        config["layer_types"] = config["layer_types"][:2]
    write(Checkpoint(kept, config), out, folder)
    return out
