"""Runs a tiny model and keeps what is multiplied with what, by functions put in torch's place.

Which rows of experts are which tokens' is told by each family's own way of sorting them, written
out here.
"""

from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from unittest.mock import patch

import numpy as np
import torch
from torch import nn
from transformers.integrations import moe


@dataclass
class Shown:
    """One batch."""

    batch: object
    real: torch.Tensor  # bool, of every flat position
    products: list = field(default_factory=list)  # (x, matrix)
    inputs: dict = field(default_factory=lambda: defaultdict(list))  # module -> tensors a call
    outputs: dict = field(default_factory=dict)  # module -> output

    def place(self, token):
        """The sample and position of a flat position."""
        return self.batch.samples[token // self.batch.length], token % self.batch.length


def run(model, owner, ids, batches):
    """Every batch once, bare."""
    return [_run(model, model.get_submodule(owner), ids, batch) for batch in batches]


def _run(model, owner, ids, batch):
    rows = [ids[sample] for sample in batch.samples]
    padded = np.stack([np.pad(r, (0, batch.length - len(r)), constant_values=r[0]) for r in rows])
    real = np.arange(batch.length) < np.array([[len(r)] for r in rows])
    shown = Shown(batch, torch.from_numpy(real).flatten())
    with ExitStack() as hooks, torch.no_grad():
        for place, name in (
            (nn.functional, "linear"), (torch, "bmm"), (torch.Tensor, "__matmul__"),
            (torch.Tensor, "matmul"),
            (moe, "_batched_linear"),
        ):  # fmt: skip
            hooks.enter_context(patch.object(place, name, _showing(getattr(place, name), shown)))
        for name, module in model.named_modules():
            hooks.callback(_hooked(module, name, shown).remove)
        owner(input_ids=torch.from_numpy(padded.astype(np.int64)), use_cache=False)
    return shown


def _showing(function, shown):
    def showing(x, matrix, *args, **kwargs):
        shown.products.append((x.clone(), matrix))
        return function(x, matrix, *args, **kwargs)

    return showing


def _hooked(module, name, shown):
    def after(_, args, kwargs, output):
        given = [x for x in (*args, *kwargs.values()) if isinstance(x, torch.Tensor)]
        shown.inputs[name].append(given)
        shown.outputs[name] = output

    return module.register_forward_hook(after, with_kwargs=True)


def one_by_one(shown, stack, token_of):
    """(rows, their tokens, expert) of experts that multiply one after the other."""
    for expert, own in enumerate(stack):
        for x, matrix in shown.products:
            if (matrix.data_ptr(), matrix.numel()) == (own.data_ptr(), own.numel()):
                yield x, token_of(expert), expert


def chosen_one_by_one(shown, experts, stack):
    """The same for transformers' eager experts, LongCat's and DBRX's, by choice, then token."""
    chosen = next(x for x in shown.inputs[experts][0] if not x.is_floating_point())
    return one_by_one(shown, stack, lambda e: (chosen == e).T.nonzero()[:, 1])


def sorted_one_by_one(shown, router, stack):
    """The same for JetMoE's, whose router tells how it sorted."""
    _, token, _, sizes, _ = shown.outputs[router]
    return one_by_one(shown, stack, lambda e: token.split(sizes)[e])


def all_at_once(shown, router, stack):
    """The same for Llama 4's experts, each of which runs over every token, most of them zeroed."""
    chosen = shown.outputs[router][1].topk(1).indices
    for x, matrix in shown.products:
        if matrix.data_ptr() == stack.data_ptr():
            for expert, rows in enumerate(x):
                token = (chosen == expert).any(dim=1).nonzero().flatten()
                yield rows[token], token, expert


def in_token_order(shown, experts, number):
    """The same for transformers' batched experts; `number` counts the products of a call."""
    chosen = next(x for x in shown.inputs[experts][0] if not x.is_floating_point())
    batched = [x for x, matrix in shown.products if x.dim() == 2 and matrix.dim() == 3]
    rows, k = batched[number], chosen.shape[1]
    for expert in range(int(chosen.max()) + 1):
        own = (chosen.flatten() == expert).nonzero().flatten()
        yield rows[own], own // k, expert
