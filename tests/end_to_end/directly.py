"""The same numbers by other means: plain hooks, whole logits, loops over texts."""

from contextlib import ExitStack

import torch
from deployed.seen import padded_to
from torch import nn
from transformers import DynamicCache
from transformers.integrations import moe
from transformers.pytorch_utils import Conv1D

INT8, E4M3 = 127.0, 448.0


def int8(x, largest):
    """Rounded with one scale, or one for each row, given the largest |x|."""
    wide = x.to(torch.bfloat16).float()
    scale = torch.as_tensor(largest, dtype=torch.float32) / INT8
    divisor = torch.where(scale > 0, scale, 1.0)
    return ((wide / divisor).round().clamp(-INT8, INT8) * scale).to(x.dtype)


def int8_token(_, x):
    """INT8 with a scale for each row."""
    return int8(x, x.to(torch.bfloat16).float().abs().amax(dim=-1, keepdim=True))


def e4m3_unscaled(_, x):
    """FP8 without a scale."""
    wide = x.to(torch.bfloat16).float().clamp(-E4M3, E4M3)
    return wide.to(torch.float8_e4m3fn).float().to(x.dtype)


def int8_tensor(largest):
    """INT8 with a scale by name, from the largest |x| that was seen under it."""
    return lambda name, x: int8(x, largest[name])


class Nothing:
    """Leaves a model as it is."""

    def __init__(self, model):
        self.model = model

    def attach(self, hooks, put):
        """Put `put(name, x)` in the place of x, wherever this rounds."""

    def cache(self):
        """What is handed to the model as its cache."""


class LinearInputs(Nothing):
    """What `nn.Linear`, GPT-2's and fused experts' products read in the layers."""

    def attach(self, hooks, put):
        layers = self.model.get_decoder()
        for name, module in layers.named_modules():
            if isinstance(module, nn.Linear | Conv1D):
                hooks.callback(
                    module.register_forward_pre_hook(
                        lambda _, args, name=name: (put(name, args[0]), *args[1:])
                    ).remove
                )
        linear = moe._grouped_linear
        moe._grouped_linear = lambda x, *args, **named: linear(put("experts", x), *args, **named)
        hooks.callback(setattr, moe, "_grouped_linear", linear)


class Residual(Nothing):
    """What every layer puts out."""

    def attach(self, hooks, put):
        for number, layer in enumerate(self.model.get_decoder().layers):
            hook = layer.register_forward_hook(lambda _, __, x, number=number: put(number, x))
            hooks.callback(hook.remove)


class Cached(Nothing):
    """Keys and values on their way into transformers' own cache."""

    def attach(self, hooks, put):
        self.put = put

    def cache(self):
        put = self.put

        class Rounding(DynamicCache):
            def update(self, keys, values, layer, *args, **named):
                keys, values = put((layer, "key"), keys), put((layer, "value"), values)
                return super().update(keys, values, layer, *args, **named)

        return Rounding(config=self.model.config)


def largest_seen(target, ids, batches):
    """The largest |x| of real tokens by name."""
    found = {}

    def put(name, x):
        rows = x.transpose(1, 2) if isinstance(name, tuple) else x
        seen = rows[real].to(torch.bfloat16).abs().max().item()
        found[name] = max(found.get(name, 0.0), seen)
        return x

    with ExitStack() as hooks, torch.no_grad():
        target.attach(hooks, put)
        for batch in batches:
            padded, real = padded_to(batch, ids)
            target.model(input_ids=padded, past_key_values=target.cache())
    return found


def log_probabilities(target, put, ids, batches):
    """Text -> (tokens, vocabulary), every logit made at once."""
    found = {}
    with ExitStack() as hooks, torch.no_grad():
        target.attach(hooks, put)
        for batch in batches:
            padded, _ = padded_to(batch, ids)
            logits = target.model(input_ids=padded, past_key_values=target.cache()).logits
            for row, sample in enumerate(batch.samples):
                of_text = logits[row, : len(ids[sample]) - 1]
                found[sample] = torch.log_softmax(of_text.float(), dim=-1).double()
    return found


def by_text(plain, rounded, ids):
    """Text -> (tokens, loss unrounded, loss rounded, divergence, tokens that agree)."""
    found = {}
    for sample in sorted(plain):
        p, q = plain[sample], rounded[sample]
        following = torch.from_numpy(ids[sample][1:].astype("int64"))
        losses = [-x[range(len(following)), following].sum().item() for x in (p, q)]
        divergence = (p.exp() * (p - q)).sum().item()
        agreed = (p.argmax(dim=-1) == q.argmax(dim=-1)).sum().item()
        if len(following):
            found[sample] = (len(following), *losses, divergence, agreed)
    return found
