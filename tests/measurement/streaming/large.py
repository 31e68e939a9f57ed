"""A checkpoint of any size on disk, written a layer at a time: random weights, a real tokenizer."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

DENSE = Path(__file__).parents[2] / "models" / "dense"
SHAPE = {
    "hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 8, "head_dim": 128,
    "num_key_value_heads": 8, "tie_word_embeddings": True, "layer_types": None,
}  # fmt: skip
WIDER = {
    "hidden_size": 2048, "intermediate_size": 8192, "num_attention_heads": 16,
    "num_key_value_heads": 16,
}  # fmt: skip
LIKE_8B = {
    "hidden_size": 4096, "intermediate_size": 12288, "num_attention_heads": 32,
    "num_key_value_heads": 8,
}  # fmt: skip

REST = "model-rest.safetensors"


def make(folder: Path, num_bytes: int, **changes: Any) -> Path:
    """Write a checkpoint of at least so many bytes in bf16, a file for each layer.

    All layers have the same weights: nobody here looks at values, and random ones take long.
    """
    folder.mkdir(parents=True)
    for path in DENSE.glob("token*"):
        shutil.copy(path, folder)
    config = json.loads((DENSE / "config.json").read_text("utf-8")) | SHAPE | changes
    shapes = _shapes(config)
    layer = _values({name: shape for name, shape in shapes.items() if ".layers.0." in name})
    rest = _values({name: shape for name, shape in shapes.items() if ".layers." not in name})
    config["num_hidden_layers"] = -(-num_bytes // sum(x.nbytes for x in layer.values()))
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    save_file(rest, folder / REST, {"format": "pt"})
    index = dict.fromkeys(rest, REST)
    for number in range(config["num_hidden_layers"]):
        shard = f"model-{number:05}.safetensors"
        own = {n.replace(".layers.0.", f".layers.{number}."): x for n, x in layer.items()}
        save_file(own, folder / shard, {"format": "pt"})
        index |= dict.fromkeys(own, shard)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}), "utf-8")
    return folder


def _shapes(config: dict[str, Any]) -> dict[str, torch.Size]:
    with torch.device("meta"):
        one = AutoConfig.for_model(**(config | {"num_hidden_layers": 1}))
        model = AutoModelForCausalLM.from_config(one)
    named = model.state_dict().items()
    return {name: x.shape for name, x in named if name != "lm_head.weight"}


def _values(shapes: Mapping[str, torch.Size]) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    return {
        name: torch.ones(shape, dtype=torch.bfloat16)
        if len(shape) == 1
        else (torch.randn(shape, generator=random) / shape[-1] ** 0.5).to(torch.bfloat16)
        for name, shape in shapes.items()
    }
