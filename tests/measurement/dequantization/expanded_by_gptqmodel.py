"""Linear maps of GPTQ, expanded by gptqmodel's own in plain torch, which multiplies in fp16.

    python expanded_by_gptqmodel.py STORED EXPANDED

A process of its own: once gptqmodel is imported, other tools ask for what it comes with.
"""

import json
import sys

import torch
from gptqmodel.nn_modules.qlinear.torch import TorchLinear
from gptqmodel.utils.model import convert_gptq_v1_to_v2_format_module
from safetensors import safe_open
from safetensors.torch import save_file


def expanded(tensors, *, is_first, **facts):
    """The weight of one map, (columns, rows)."""
    module = TorchLinear(**facts)
    for suffix, tensor in tensors.items():
        setattr(module, suffix, tensor)
    if is_first:
        convert_gptq_v1_to_v2_format_module(module, facts["bits"], torch.int32)
    module.post_init()
    return module.dequantize_weight().contiguous()


def main(stored, path):
    """Expand every map of a file; its metadata says what each is."""
    weights = {}
    with safe_open(stored, "pt") as file:
        for name, said in file.metadata().items():
            own = [key for key in file.keys() if key.startswith(f"{name}/")]  # noqa: SIM118 no dict
            tensors = {key.rpartition("/")[2]: file.get_tensor(key) for key in own}
            weights[name] = expanded(tensors, **json.loads(said))
    save_file(weights, path)


if __name__ == "__main__":
    main(*sys.argv[1:])
