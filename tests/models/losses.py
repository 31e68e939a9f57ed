"""What is minimized in training, and what is measured on held-out text.

Shapes: B windows, L tokens of a window, N = B * L, V vocabulary, E experts, K experts per token.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel, Qwen3MoeConfig
from windows import IGNORED, first_windows


def balance_loss(router_logits_NE: Tensor, kept_N: Tensor, top_k: int) -> Tensor:
    """Switch Transformer's load-balancing loss of one layer (arXiv:2101.03961, equation 4).

    It is `top_k` when every expert gets its equal share. Padding (kept 0) does not count.
    """
    num_experts = router_logits_NE.shape[-1]
    probability_NE = router_logits_NE.float().softmax(dim=-1)
    chosen_NK = probability_NE.topk(top_k, dim=-1).indices
    chosen_NE = functional.one_hot(chosen_NK, num_experts).sum(dim=1).float()
    weight_N1 = (kept_N / kept_N.sum())[:, None]
    share_E = (chosen_NE * weight_N1).sum(dim=0)
    return num_experts * (share_E * (probability_NE * weight_N1).sum(dim=0)).sum()


def losses(model: PreTrainedModel, inputs_BL: Tensor, labels_BL: Tensor) -> tuple[Tensor, Tensor]:
    """Return cross entropy in nats per token, and the mean load-balancing loss (dense: 0)."""
    is_moe = isinstance(model.config, Qwen3MoeConfig)
    extra = {"output_router_logits": True} if is_moe else {}
    outputs = model.model(input_ids=inputs_BL, use_cache=False, **extra)
    logits_NV = model.lm_head(outputs.last_hidden_state).flatten(0, 1)
    cross_entropy = functional.cross_entropy(
        logits_NV.float(), labels_BL.flatten(), ignore_index=IGNORED
    )
    if not is_moe:
        return cross_entropy, torch.zeros_like(cross_entropy)
    kept_N = (labels_BL != IGNORED).flatten().float()
    top_k = model.config.num_experts_per_tok
    layers = [balance_loss(logits_NE, kept_N, top_k) for logits_NE in outputs.router_logits]
    return cross_entropy, torch.stack(layers).mean()


@torch.no_grad()
def heldout_loss(
    model: PreTrainedModel, texts: Sequence[list[int]], length: int, bytes_V: np.ndarray
) -> dict[str, float | int]:
    """Loss on the first `length` tokens of each text, each predicted from those before it."""
    table_V = torch.from_numpy(bytes_V).to(model.device)
    nats, num_tokens, num_bytes = 0.0, 0, 0
    for inputs_BL, labels_BL in first_windows(texts, length, str(model.device)):
        kept = labels_BL[labels_BL != IGNORED]
        nats += float(losses(model, inputs_BL, labels_BL)[0]) * len(kept)
        num_tokens += len(kept)
        num_bytes += int(table_V[kept].sum())
    return {
        "context": length,
        "num_tokens": num_tokens,
        "num_bytes": num_bytes,
        "nats_per_token": round(nats / num_tokens, 6),
        "bits_per_byte": round(nats / math.log(2) / num_bytes, 6),
    }


@torch.no_grad()
def expert_shares(model: PreTrainedModel, texts: Sequence[list[int]], length: int) -> list[Any]:
    """Per layer, each expert's share of the tokens' K choices; a layer's shares sum to 1."""
    chosen_LE = torch.zeros(model.config.num_hidden_layers, model.config.num_experts)
    for inputs_BL, labels_BL in first_windows(texts, length, str(model.device)):
        outputs = model.model(input_ids=inputs_BL, use_cache=False, output_router_logits=True)
        kept_N = (labels_BL != IGNORED).flatten()
        for layer, logits_NE in enumerate(outputs.router_logits):
            chosen = logits_NE[kept_N].topk(model.config.num_experts_per_tok, dim=-1).indices
            chosen_LE[layer] += chosen.flatten().bincount(minlength=chosen_LE.shape[1]).cpu()
    return [[round(float(share), 4) for share in row / row.sum()] for row in chosen_LE]
