"""Train the two small language models that the tests measure, and record how it went.

    python tests/models/train.py tokenizer            once, for both models
    python tests/models/train.py dense --compile      eight minutes, both at once on one H200
    python tests/models/train.py moe --compile
    python tests/models/train.py moe --steps 5 --tokens-per-step 1024 --context 128 \
        --long-context 256 --num-texts 9 --heldout-texts 4 --output /tmp/moe

The last runs the same code on a CPU in seconds. A run writes the model in transformers' own
layout, and beside it training.json: recipe, loss curves, held-out loss. It finds the tokenizer in
tests/models/KIND; card.py makes the model cards afterwards. Equal seeds draw equal windows of
text; a GPU's sums are not bit-reproducible.
"""

import argparse
import dataclasses
import json
import math
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tokenizer as bpe
import torch
import transformers
from losses import expert_shares, heldout_loss, losses
from tokenizers import Tokenizer
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    GenerationConfig,
    PreTrainedModel,
    Qwen3Config,
    Qwen3MoeConfig,
)
from windows import RandomWindows

from hubmaxact import corpus

HERE = Path(__file__).parent
KINDS = ("dense", "moe")
OVERRIDES = (
    "steps",
    "tokens_per_step",
    "context",
    "long_context",
    "num_texts",
    "heldout_texts",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides the two models, apart from the code."""

    corpus: str = "probe-5k"
    num_texts: int = 5000
    heldout_texts: int = 512  # the first ones, so the default prefix is measured on unseen text
    vocab_size: int = 4096
    seed: int = 20260522

    hidden_size: int = 128
    num_layers: int = 8
    num_heads: int = 4
    num_key_value_heads: int = 2
    head_dim: int = 64
    active_intermediate_size: int = 224  # one block of it, or shared out among experts_per_token
    num_experts: int = 8
    experts_per_token: int = 2
    rope_theta: float = 10_000.0
    initializer_range: float = 0.02

    steps: int = 7500
    tokens_per_step: int = 65_536
    context: int = 1024
    long_context: int = 4096
    long_from: float = 0.9  # the share of the steps before the long context
    peak_lr: float = 6e-3
    final_lr_share: float = 0.05
    warmup_steps: int = 300
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.1  # of matrices, not of norms
    gradient_clip: float = 1.0
    router_aux_loss_coef: float = 0.01
    log_every: int = 200
    evaluate_every: int = 500


def configuration(recipe: Recipe, kind: str) -> Qwen3Config | Qwen3MoeConfig:
    """The model's config; the two kinds have equal depth, width and active parameters."""
    shared: dict[str, Any] = {
        "vocab_size": recipe.vocab_size,
        "hidden_size": recipe.hidden_size,
        "intermediate_size": recipe.active_intermediate_size,
        "num_hidden_layers": recipe.num_layers,
        "num_attention_heads": recipe.num_heads,
        "num_key_value_heads": recipe.num_key_value_heads,
        "head_dim": recipe.head_dim,
        "max_position_embeddings": recipe.long_context,
        "rope_parameters": {"rope_type": "default", "rope_theta": recipe.rope_theta},
        "initializer_range": recipe.initializer_range,
        "tie_word_embeddings": True,
        "bos_token_id": bpe.BOS_ID,
        "eos_token_id": bpe.EOS_ID,
        "pad_token_id": bpe.PAD_ID,
    }
    if kind == "dense":
        return Qwen3Config(**shared)
    return Qwen3MoeConfig(
        **shared,
        moe_intermediate_size=recipe.active_intermediate_size // recipe.experts_per_token,
        num_experts=recipe.num_experts,
        num_experts_per_tok=recipe.experts_per_token,
        norm_topk_prob=True,
        router_aux_loss_coef=recipe.router_aux_loss_coef,
    )


class MasterAdamW:
    """AdamW on float32 copies of the bf16 parameters, which are rounded from them every step."""

    def __init__(self, model: PreTrainedModel, recipe: Recipe) -> None:
        self.clip = recipe.gradient_clip
        self.weights = list(model.parameters())
        self.masters = [weight.detach().float().clone() for weight in self.weights]
        for master in self.masters:
            master.grad = torch.zeros_like(master)
        decayed = [master for master in self.masters if master.ndim > 1]
        others = [master for master in self.masters if master.ndim == 1]
        self.adam = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others}],
            betas=recipe.betas,
            weight_decay=0.0,
            fused=True,
        )

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """Take one step from the weights' gradients, and forget them."""
        gradients = [master.grad for master in self.masters]
        torch._foreach_copy_(gradients, [weight.grad for weight in self.weights])
        torch.nn.utils.clip_grad_norm_(self.masters, self.clip, foreach=True)
        for group in self.adam.param_groups:
            group["lr"] = lr
        self.adam.step()
        torch._foreach_copy_(self.weights, self.masters)
        for weight in self.weights:
            weight.grad = None


def learning_rate(recipe: Recipe, step: int) -> float:
    """Linear warm-up, then a cosine down to its final share."""
    if step < recipe.warmup_steps:
        return recipe.peak_lr * (step + 1) / recipe.warmup_steps
    done = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
    share = recipe.final_lr_share
    return recipe.peak_lr * (share + (1 - share) * (1 + math.cos(math.pi * done)) / 2)


def fit(
    model: PreTrainedModel,
    recipe: Recipe,
    windows: RandomWindows,
    objective: Callable[..., tuple[Tensor, Tensor]],
    evaluate: Callable[[], dict[str, Any]],
) -> dict[str, list[dict[str, Any]]]:
    """Train in place; return both curves: `train` is a mean since the row before, in nats."""
    optimizer = MasterAdamW(model, recipe)
    total = torch.zeros(2, device=model.device)
    curves: dict[str, list[dict[str, Any]]] = {"train": [], "heldout": [{"step": 0, **evaluate()}]}
    logged, began = 0, time.monotonic()
    for step in range(recipe.steps):
        is_long = step >= recipe.long_from * recipe.steps
        length = recipe.long_context if is_long else recipe.context
        batch = windows.draw(max(1, recipe.tokens_per_step // length), length)
        cross_entropy, balance = objective(model, *batch)
        (cross_entropy + recipe.router_aux_loss_coef * balance).backward()
        optimizer.step(learning_rate(recipe, step))
        total += torch.stack([cross_entropy.detach(), balance.detach()])
        done = step + 1
        if done % recipe.log_every == 0 or done == recipe.steps:
            mean = (total / (done - logged)).tolist()
            total.zero_()
            logged = done
            row = {"step": done, "nats_per_token": mean[0], "balance": mean[1]}
            curves["train"].append({name: round(value, 4) for name, value in row.items()})
            print(f"{time.monotonic() - began:6.1f} s", curves["train"][-1], flush=True)
        if done % recipe.evaluate_every == 0 or done == recipe.steps:
            curves["heldout"].append({"step": done, **evaluate()})
            print(curves["heldout"][-1], flush=True)
    return curves


def train(kind: str, recipe: Recipe, folder: Path, *, device: str, compiled: bool) -> None:
    """Train one model, save it, measure the saved one, and write training.json."""
    began = time.monotonic()
    tokenizer = Tokenizer.from_file(str(HERE / kind / "tokenizer.json"))
    source = corpus.load(recipe.corpus, num_samples=recipe.num_texts)
    encodings = tokenizer.encode_batch_fast(
        [text.text for text in source.texts], add_special_tokens=False
    )
    ids = [encoding.ids for encoding in encodings]
    heldout, rest = ids[: recipe.heldout_texts], ids[recipe.heldout_texts :]
    bytes_V = bpe.bytes_per_token(tokenizer)
    print(f"{sum(map(len, rest)):,} training tokens, {time.monotonic() - began:.0f} s", flush=True)

    torch.manual_seed(recipe.seed)
    config = configuration(recipe, kind)
    experts = {"experts_implementation": "grouped_mm"} if kind == "moe" else {}
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16, **experts).to(device)
    windows = RandomWindows(rest, seed=recipe.seed, device=device)
    objective = torch.compile(losses, dynamic=False) if compiled else losses
    curves = fit(
        model,
        recipe,
        windows,
        objective,
        lambda: heldout_loss(model, heldout, recipe.context, bytes_V),
    )
    model.generation_config = GenerationConfig(
        bos_token_id=bpe.BOS_ID, eos_token_id=bpe.EOS_ID, pad_token_id=bpe.PAD_ID
    )
    # Two shards for the MoE model: what reads checkpoints must read sharded ones.
    model.save_pretrained(folder, max_shard_size="4300KB" if kind == "moe" else "5GB")

    saved = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, **experts).to(device)
    exact = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    lengths = (recipe.context, recipe.long_context)
    record = {
        "recipe": dataclasses.asdict(recipe),
        "corpus": {"name": source.name, "version": source.version, "digest": source.digest},
        "training_tokens": sum(map(len, rest)),
        "parameters": sum(weight.numel() for weight in saved.parameters()),
        "environment": {
            "device": torch.cuda.get_device_name() if device == "cuda" else device,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
        "seconds": round(time.monotonic() - began),
        **curves,
        "final": [heldout_loss(saved, heldout, length, bytes_V) for length in lengths],
        "check": {"texts": 4, **heldout_loss(exact, heldout[:4], 256, bytes_V)},
        "expert_shares": expert_shares(saved, heldout, recipe.context) if kind == "moe" else None,
    }
    (folder / "training.json").write_text(one_row_per_line(record))


def one_row_per_line(record: dict[str, Any]) -> str:
    """JSON with each row of a list, and each plain value, on a line of its own."""
    lines = []
    for name, value in record.items():
        text = json.dumps(value)
        if isinstance(value, list):
            text = "[\n" + ",\n".join(f"  {json.dumps(row)}" for row in value) + "\n ]"
        lines.append(f" {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def train_tokenizer(recipe: Recipe, folder: Path) -> None:
    """Train on the texts the models train on, and write it into both models' folders."""
    source = corpus.load(recipe.corpus, num_samples=recipe.num_texts)
    texts = [text.text for text in source.texts[recipe.heldout_texts :]]
    tokenizer = bpe.train(texts, recipe.vocab_size)
    for kind in KINDS:
        bpe.save(tokenizer, folder / kind, recipe.long_context)


def main() -> None:
    """Read the command line; options that change the recipe are recorded with it."""
    parser = argparse.ArgumentParser(description="Train the small models of tests/models.")
    parser.add_argument("what", choices=["tokenizer", *KINDS])
    parser.add_argument("--output", type=Path, help="folder to write to (tests/models[/KIND])")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--compile", action="store_true", help="compile the forward pass")
    for name in OVERRIDES:
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(Recipe, name))
    options = vars(parser.parse_args())
    what, output, device = options.pop("what"), options.pop("output"), options.pop("device")
    compiled = options.pop("compile")
    recipe = Recipe(**options)
    if what == "tokenizer":
        train_tokenizer(recipe, output or HERE)
    else:
        train(what, recipe, output or HERE / what, device=device, compiled=compiled)


if __name__ == "__main__":
    main()
