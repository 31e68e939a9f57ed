"""Runs a tiny model and keeps every watched tensor whole, padding dropped, with coordinates.

Modules are named by hand in `families`. Rows inside routed experts are what the experts' own
gating step receives; the order they come in is found by computing them again from hidden states,
chosen experts and weights, which gives the same rows up to rounding.
"""

from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional


@dataclass(eq=False)
class Captured:
    """All values of one site, row by row; T rows of D channels."""

    values: torch.Tensor  # (T, D), the tensor's own dtype
    sample: np.ndarray  # (T,)
    position: np.ndarray
    token_id: np.ndarray
    split: np.ndarray  # of str
    expert: np.ndarray | None = None  # -1 outside routed experts

    @property
    def exact(self):
        """The values as float64."""
        return self.values.double().numpy()

    def only(self, split):
        """The rows of one split."""
        return self._where(self.split == split)

    def after_first_token(self):
        """The rows of all tokens but each sample's first."""
        return self._where(self.position > 0)

    def _where(self, rows):
        columns = (self.sample, self.position, self.token_id, self.split)
        return Captured(self.values[torch.from_numpy(rows)], *(c[rows] for c in columns))


def capture(model, family, ids, batches):
    """Run every batch; return ({site key: Captured}, {layer: tokens per expert})."""
    rows = {watch.key: [] for watch in family.watches}
    routed = {}
    for batch in batches:
        padded, real = _pad(ids, batch)
        seen, chosen = _forward(model, family, padded)
        tokens = _tokens(ids, batch, padded, real)
        for watch in family.watches:
            rows[watch.key].append(_rows(watch, seen[watch.key], real, tokens))
        for layer, experts in chosen.items():
            count = np.bincount(
                experts[real.reshape(-1)].reshape(-1), minlength=_num_experts(model, family, layer)
            )
            routed[layer] = routed.get(layer, 0) + count
    return {key: _join(parts) for key, parts in rows.items()}, routed


def _pad(ids, batch):
    length = max(len(ids[sample]) for sample in batch.samples)
    padded = np.array(
        [[*ids[s], *[ids[s][0]] * (length - len(ids[s]))] for s in batch.samples], dtype=np.int64
    )
    real = np.array([[column < len(ids[s]) for column in range(length)] for s in batch.samples])
    return padded, real


def _tokens(ids, batch, padded, real):
    """(sample, position, token id, split) of every position of the batch, flattened."""
    shape = padded.shape
    sample = np.repeat(np.array(batch.samples)[:, None], shape[1], axis=1)
    position = np.repeat(np.arange(shape[1])[None, :], shape[0], axis=0)
    split = np.full(shape, batch.split, dtype=object)
    return [column.reshape(-1) for column in (sample, position, padded, split)]


def _forward(model, family, padded):
    """One pass; {site key: tensor or expert rows}, {layer: chosen experts per token}."""
    seen, chosen = {}, {}
    with ExitStack() as hooks, torch.no_grad():
        for watch in family.watches:
            module = model.get_submodule(watch.module)
            keep = _keep_experts if watch.how == "experts" else _keep_output
            keep(hooks, module, watch, seen)
        for layer, (router, _) in family.routed.items():
            keep = _keep_choice(model.get_submodule(router), layer, chosen)
            hooks.callback(keep.remove)
        input_ids = torch.from_numpy(padded).to(model.device)
        model.get_submodule(family.decoder)(input_ids=input_ids, use_cache=False)
    return seen, chosen


def _keep_output(hooks, module, watch, seen):
    def hook(_module, _args, output):
        tensor = output[0] if isinstance(output, tuple) else output
        if watch.how == "half":
            tensor = tensor[..., : tensor.shape[-1] // 2]
        seen[watch.key] = tensor.clone().cpu()

    hooks.callback(module.register_forward_hook(hook).remove)


def _keep_choice(module, layer, chosen):
    def hook(_module, _args, output):
        (indices,) = [tensor for tensor in output if not tensor.is_floating_point()]
        chosen[layer] = indices.cpu().numpy().copy()

    return module.register_forward_hook(hook)


def _keep_experts(hooks, module, watch, seen):
    shown, expected = [], []
    apply_gate = module._apply_gate

    def applied(gate_up):
        shown.append(_gate_half(module, gate_up).clone().cpu())
        return apply_gate(gate_up)

    def before(experts, args, kwargs):
        hidden, indices, *_ = [*args, *kwargs.values()]
        expected[:] = [*expert_gates(experts, hidden, indices), indices]

    def after(_module, _args, _output):
        rows = as_expected(torch.cat(shown), *expected)
        seen[watch.key] = rows, *expected[1:3]
        shown.clear()

    module._apply_gate = applied
    hooks.callback(delattr, module, "_apply_gate")
    hooks.callback(module.register_forward_pre_hook(before, with_kwargs=True).remove)
    hooks.callback(module.register_forward_hook(after).remove)


def as_expected(shown, expected, token, expert, indices):
    """The rows that were shown in the order of those expected, which they equal but for rounding.

    Computing a row again need not give its bits: a product of matrices rounds by how many rows it
    has and where they lie in memory.
    """
    row_of = {
        pair: row for row, pair in enumerate(zip(token.tolist(), expert.tolist(), strict=True))
    }
    pairs = [(place // indices.shape[1], e) for place, e in enumerate(indices.flatten().tolist())]
    step = 2.0**-6 if shown.dtype == torch.bfloat16 else 2.0**-14
    size = expected[expected.isfinite()].abs().max()
    for order in (indices.flatten().sort().indices.tolist(), range(len(pairs))):
        rows = [row_of[pairs[place]] for place in order if pairs[place] in row_of]
        if torch.allclose(shown, expected[rows], rtol=step, atol=step * size, equal_nan=True):
            return torch.empty_like(shown).index_copy_(0, torch.tensor(rows), shown)
    raise AssertionError("rows inside the experts are neither sorted by expert nor by token")


def _gate_half(experts, gate_up):
    """The gate's half of gate and up: interleaved in gpt-oss, side by side elsewhere."""
    if hasattr(experts, "gate_up_proj_bias"):
        return gate_up[..., 0::2]
    return gate_up[..., : gate_up.shape[-1] // 2]


def expert_gates(experts, hidden, indices):
    """Recompute gate pre-activations: (rows, channels), and each row's flat token and expert."""
    values, tokens, experts_of = [], [], []
    for expert in range(experts.gate_up_proj.shape[0]):
        token = (indices == expert).any(dim=-1).nonzero().flatten()
        if len(token) == 0:
            continue
        weight = experts.gate_up_proj[expert]
        if hasattr(experts, "gate_up_proj_bias"):  # gpt-oss: transposed, biased
            both = hidden[token] @ weight + experts.gate_up_proj_bias[expert]
        else:
            both = functional.linear(hidden[token], weight)
        values.append(_gate_half(experts, both))
        tokens.append(token)
        experts_of.append(torch.full_like(token, expert))
    return torch.cat(values).cpu(), torch.cat(tokens).cpu(), torch.cat(experts_of).cpu()


def _rows(watch, tensor, real, tokens):
    """Real rows of one batch, with their tokens."""
    flat = real.reshape(-1)
    if watch.how == "experts":
        values, token, expert = tensor
        token, expert = token.numpy(), expert.numpy()
        keep = flat[token]
        columns = [*(column[token[keep]] for column in tokens), expert[keep]]
        return values[torch.from_numpy(keep)], columns
    values = tensor.reshape(flat.size, -1)
    columns = [column[flat] for column in tokens]
    return values[torch.from_numpy(flat)], [*columns, np.full(int(flat.sum()), -1)]


def _join(parts):
    columns = zip(*(tokens for _, tokens in parts), strict=True)
    return Captured(
        torch.cat([values for values, _ in parts]), *(np.concatenate(list(c)) for c in columns)
    )


def _num_experts(model, family, layer):
    return model.get_submodule(family.routed[layer][1]).gate_up_proj.shape[0]
