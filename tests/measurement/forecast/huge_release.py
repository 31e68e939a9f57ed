"""A quantized release of 700 GB on the Hub: a Qwen3-MoE whose weight files are headers alone."""

import json

from command import MOE
from loopback_hub.huge_file import HugeFile

LAYERS, EXPERTS, HIDDEN, INNER, BLOCK = 2, 3480, 4096, 8192, 128
SIZES = {
    "num_hidden_layers": LAYERS, "num_local_experts": EXPERTS, "hidden_size": HIDDEN,
    "moe_intermediate_size": INNER, "head_dim": 64, "max_position_embeddings": 512,
}  # fmt: skip
FP8 = {"quant_method": "fp8", "activation_scheme": "static", "weight_block_size": [BLOCK, BLOCK]}


def map_of(name, rows, columns):
    grid = -(-rows // BLOCK), -(-columns // BLOCK)
    yield f"{name}.weight", ("F8_E4M3", (rows, columns))
    yield f"{name}.weight_scale_inv", ("F32", grid)
    yield f"{name}.activation_scale", ("F32", ())


def layer(number):
    """Tensors of one layer of a Qwen3-MoE with these sizes."""
    here = f"model.layers.{number}"
    for name, size in (("input", HIDDEN), ("post_attention", HIDDEN)):
        yield f"{here}.{name}_layernorm.weight", ("BF16", (size,))
    for name in ("q", "k"):
        yield f"{here}.self_attn.{name}_norm.weight", ("BF16", (64,))
    for name, rows in (("q", 256), ("k", 128), ("v", 128)):
        yield from map_of(f"{here}.self_attn.{name}_proj", rows, HIDDEN)
    yield from map_of(f"{here}.self_attn.o_proj", HIDDEN, 256)
    yield f"{here}.mlp.gate.weight", ("BF16", (EXPERTS, HIDDEN))
    for expert in range(EXPERTS):
        for name in ("gate", "up"):
            yield from map_of(f"{here}.mlp.experts.{expert}.{name}_proj", INNER, HIDDEN)
        yield from map_of(f"{here}.mlp.experts.{expert}.down_proj", HIDDEN, INNER)


NUM_MAPS = LAYERS * (4 + 3 * EXPERTS)


def commit(hub, repo_id):
    """Make the repository; returns it and its shards."""
    shards = {f"model-{n + 1:05}-of-{LAYERS:05}.safetensors": dict(layer(n)) for n in range(LAYERS)}
    embedding, norm = ("BF16", (4096, HIDDEN)), ("BF16", (HIDDEN,))
    shards[min(shards)] |= {"model.embed_tokens.weight": embedding, "model.norm.weight": norm}
    index = {"weight_map": {name: file for file, held in shards.items() for name in held}}
    config = json.loads((MOE / "config.json").read_bytes()) | SIZES | {"quantization_config": FP8}
    files = {path.name: path.read_bytes() for path in MOE.glob("token*")}
    files["config.json"] = json.dumps(config).encode()
    files["model.safetensors.index.json"] = json.dumps(index).encode()
    huge = {name: HugeFile(held) for name, held in shards.items()}
    repo = hub.create_repo(repo_id, files=files)
    repo.commit({name: file.put(hub) for name, file in huge.items()})
    return repo, list(huge.values())
