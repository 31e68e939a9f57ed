"""Runs a tiny model with plain hooks and keeps whole tensors, padding dropped.

Keys and values come from transformers' own cache, which keeps them.
"""

from collections import defaultdict
from contextlib import ExitStack

import numpy as np
import torch
from torch import nn
from transformers import DynamicCache
from transformers.integrations import moe
from transformers.pytorch_utils import Conv1D

LENGTHS = [7, 12, 5, 9, 12, 3]


def samples(seed=3):
    """Token ids of a few texts."""
    choice = np.random.default_rng(seed)
    return [choice.integers(3, 320, length).astype(np.int32) for length in LENGTHS]


class Seen:
    """Everything that plain hooks showed, over all batches."""

    def __init__(self):
        self.inputs, self.outputs = defaultdict(list), defaultdict(list)  # module -> rows
        self.keys, self.values = defaultdict(list), defaultdict(list)  # layer -> (heads, T, D)
        self.routed = defaultdict(list)  # experts -> (hidden, chosen, real)
        self.products = defaultdict(list)  # experts -> (rows read by its down projection, ends)

    def read_by(self, name):
        """All rows that a map reads; in experts' second half a token once for each of its own."""
        if name in self.inputs:
            return joined(self.inputs[name])
        experts, _, part = name.rpartition(".")
        if part == "down_proj":
            return joined([rows for _, rows in self.read_by_experts(experts)])
        return joined(self.inputs[experts])

    def read_by_experts(self, experts, batches=slice(None)):
        """(expert, rows of real tokens that its down projection reads), batch by batch."""
        both = zip(self.products[experts][batches], self.routed[experts][batches], strict=True)
        for (rows, ends), (_, chosen, real) in both:
            expert, order = chosen.flatten().sort()
            kept = real[order // chosen.shape[1]]
            begin = 0
            for number, end in enumerate(ends.tolist()):
                assert set(expert[begin:end].tolist()) <= {number}
                yield number, rows[begin:end][kept[begin:end]]
                begin = end


def run(model, layers_name, ids, batches, *, owner=None, caches=True):
    """Run every batch through `owner`, or what has the layers; return what hooks showed."""
    seen = Seen()
    owner = model.get_submodule(layers_name.rpartition(".")[0] if owner is None else owner)
    for batch in batches:
        padded, real = padded_to(batch, ids)
        kept = {}
        if caches:
            cache = DynamicCache(config=model.config.get_text_config(decoder=True))
            kept = {"past_key_values": cache, "use_cache": True}
        with ExitStack() as hooks, torch.no_grad():
            _attach(hooks, model, layers_name, real, seen)
            owner(input_ids=padded, **kept)
        if caches:
            _read_cache(cache, real, seen)
    return seen


def padded_to(batch, ids):
    """Token ids of a batch, and which of them are real."""
    rows = [ids[sample] for sample in batch.samples]
    padded = [np.pad(r, (0, batch.length - len(r)), constant_values=r[0]) for r in rows]
    real = np.arange(batch.length) < np.array([[len(r)] for r in rows])
    return torch.from_numpy(np.stack(padded).astype(np.int64)), torch.from_numpy(real)


def _attach(hooks, model, layers_name, real, seen):
    for name, module in model.get_submodule(layers_name).named_modules():
        full = f"{layers_name}.{name}"
        if not name:
            continue

        def before(module, args, kwargs, full=full):
            tensors = [x for x in (*args, *kwargs.values()) if isinstance(x, torch.Tensor)]
            if tensors and (rows := of_tokens(tensors[0], real)) is not None:
                seen.inputs[full].append(rows)
            if hasattr(module, "has_gate"):
                chosen = next(x for x in tensors if not x.is_floating_point())
                seen.routed[full].append((tensors[0].clone(), chosen.clone(), real.flatten()))

        def after(module, _, output, full=full):
            first = output[0] if isinstance(output, tuple) else output
            if isinstance(first, torch.Tensor):
                rows = of_tokens(first, real)
                if rows is not None:
                    seen.outputs[full].append(rows)

        hooks.callback(module.register_forward_pre_hook(before, with_kwargs=True).remove)
        hooks.callback(module.register_forward_hook(after).remove)
        if hasattr(module, "has_gate"):
            _attach_products(hooks, module, full, seen)


def _attach_products(hooks, experts, full, seen):
    """The second grouped product of these experts is the down projection."""

    def before(*_):
        linear = moe._grouped_linear

        def shown(x, weight, ends, **rest):
            if weight is experts.down_proj:
                seen.products[full].append((x.clone(), ends.clone()))
            return linear(x, weight, ends, **rest)

        moe._grouped_linear = shown
        hooks.callback(setattr, moe, "_grouped_linear", linear)

    hooks.callback(experts.register_forward_pre_hook(before).remove)


def of_tokens(x, real):
    """Rows of real tokens, one for each; None for what is no tensor of tokens."""
    x = x.detach().clone()
    if x.dim() >= 4 and x.shape[1] == 1 and x.shape[2] == real.shape[1]:
        x = x.squeeze(1)
    if x.shape[:2] == real.shape:
        return x[real].flatten(1)
    if x.shape[:1] == (real.numel(),):
        return x[real.flatten()].flatten(1)
    return None


def _read_cache(cache, real, seen):
    for number, layer in enumerate(cache.layers):
        keys = getattr(layer, "keys", None)
        if keys is None or keys.dim() != 4 or keys.shape[2] == 0:
            continue
        for kept, into in ((keys, seen.keys), (layer.values, seen.values)):
            into[number].append(kept.movedim(1, 2)[real].movedim(1, 0))


def maps(model, layers_name):
    """Full names of all plain linear maps inside the layers."""
    return {
        f"{layers_name}.{name}"
        for name, module in model.get_submodule(layers_name).named_modules()
        if isinstance(module, nn.Linear | Conv1D)
    }


def joined(parts):
    """All rows of all batches."""
    return torch.cat(parts)
