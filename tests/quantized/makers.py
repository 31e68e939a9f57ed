"""Checkpoints in every quantized format that releases have, from an unquantized one.

Quantizing well is not the point; names, dtypes, shapes and what config.json says are as releases
have them. By night the packages that such releases come from read what is written here.
"""

from quantized import bitsandbytes_codes, compressed, fp8, modelopt, own_models, transposed
from quantized.checkpoint import read, write

ROOMS = (fp8, compressed, modelopt, transposed, bitsandbytes_codes, own_models)
MAKERS = {name: maker for room in ROOMS for name, maker in room.MAKERS.items()}
"""Format -> what makes a quantized `Checkpoint` of a plain one."""


def make(name, base, out):
    """Write a checkpoint folder in a format; returns it.

    `base` is an unquantized folder. The formats of one architecture alone (gpt-oss-mxfp4,
    deepseek-v4) take its tokenizer and make a tiny model of random weights.
    """
    write(MAKERS[name](read(base)), out, base)
    return out
