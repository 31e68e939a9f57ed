"""LoRA adapters as PEFT saves them, with random factors, and their bases."""

import json
import shutil

import torch
from command import DENSE
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel

AROUND = "base_model.model."
BASE = "alice/base"
CONFIG = {"peft_type": "LORA", "base_model_name_or_path": BASE, "r": 4, "lora_alpha": 6}
LAYER = "model.layers.2."
Q, DOWN = f"{LAYER}self_attn.q_proj", f"{LAYER}mlp.down_proj"
EMBEDDING = "model.embed_tokens"


def random(*shape, seed=0, scale=0.3):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * scale


def pair(module, rows, columns, *, rank=4, seed=0):
    """The factors of a product with this shape, by PEFT's names."""
    return {
        f"{AROUND}{module}.lora_A.weight": random(rank, columns, seed=seed),
        f"{AROUND}{module}.lora_B.weight": random(rows, rank, seed=seed + 1),
    }


def plain():
    """Two maps of the dense model."""
    return {**pair(Q, 256, 128), **pair(DOWN, 128, 224, seed=5)}


def write_adapter(folder, tensors, **changes):
    """Write adapter_config.json and adapter_model.safetensors; a change to None leaves out."""
    folder.mkdir(parents=True, exist_ok=True)
    said = {key: value for key, value in {**CONFIG, **changes}.items() if value is not None}
    (folder / "adapter_config.json").write_text(json.dumps(said))
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    save_file(whole, folder / "adapter_model.safetensors")
    return folder


def gpt2(folder):
    """A model whose weights have a row for each input, and biases; with the dense one's tokens."""
    torch.manual_seed(0)
    config = GPT2Config(n_layer=2, n_embd=32, n_head=2, vocab_size=4096, n_positions=64)
    GPT2LMHeadModel(config).to(torch.bfloat16).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(DENSE / name, folder)
    return folder
