"""LoRA adapters of tests/models, as PEFT saves them, with random factors."""

import json

import torch
from command import DENSE
from safetensors.torch import load_file, save_file

AROUND = "base_model.model."
BASE = "alice/base"
CONFIG = {"peft_type": "LORA", "base_model_name_or_path": BASE, "r": 4, "lora_alpha": 6}
LAYER = "model.layers.2."
Q, DOWN = f"{LAYER}self_attn.q_proj", f"{LAYER}mlp.down_proj"
EMBEDDING = "model.embed_tokens"


def random(*shape, seed=0, scale=0.3):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * scale


def factors(module, *, rank=4, base=DENSE, seed=0, transposed=False):
    """Two factors of a module of the dense model, by PEFT's names."""
    rows, columns = load_file(base / "model.safetensors")[f"{module}.weight"].shape
    rows, columns = (columns, rows) if transposed else (rows, columns)
    return {
        f"{AROUND}{module}.lora_A.weight": random(rank, columns, seed=seed),
        f"{AROUND}{module}.lora_B.weight": random(rows, rank, seed=seed + 1),
    }


def write_adapter(folder, tensors, **changes):
    """Write adapter_config.json and adapter_model.safetensors; a change to None leaves out."""
    folder.mkdir(parents=True, exist_ok=True)
    said = {key: value for key, value in {**CONFIG, **changes}.items() if value is not None}
    (folder / "adapter_config.json").write_text(json.dumps(said))
    save_file({name: each.contiguous() for name, each in tensors.items()},
              folder / "adapter_model.safetensors")  # fmt: skip
    return folder
