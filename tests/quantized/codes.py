"""Numbers as codes: E4M3, E2M1 and E8M0, and dense bits in words."""

import torch

E4M3_LARGEST = 448.0
E2M1_LARGEST = 6.0
MIDDLES = torch.tensor([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0])
"""Between two E2M1 numbers."""


def e4m3(x):
    """FP8 codes of values within its range."""
    return x.clamp(-E4M3_LARGEST, E4M3_LARGEST).to(torch.float8_e4m3fn)


def e2m1(x):
    """FP4 codes, two to a byte, the first one low."""
    x = x.contiguous()
    code = torch.bucketize(x.abs(), MIDDLES).to(torch.uint8) | (x < 0).to(torch.uint8) << 3
    return code[..., ::2] | code[..., 1::2] << 4


def power_of_two(largest, over):
    """Bytes of E8M0 scales under which magnitudes stay within a format's largest number."""
    return (largest / over).log2().ceil().add(127).nan_to_num(neginf=0).clamp(0, 254).byte()


def value_of(byte):
    """What an E8M0 byte stands for; the lowest power of two is subnormal in float32."""
    return torch.exp2(byte.double() - 127).float()


def packed(codes, bits, dim):
    """Unsigned codes densely in int32 words along a dimension, the low bits first."""
    codes = codes.movedim(dim, -1).long()
    num_words = -(-codes.shape[-1] * bits // 32)
    runs = torch.nn.functional.pad(codes, (0, -codes.shape[-1] % 32)).unflatten(-1, (-1, 32))
    words = torch.zeros(*runs.shape[:-1], bits + 1, dtype=torch.int64)
    for place in range(32):  # 32 codes fill `bits` words
        word, offset = divmod(place * bits, 32)
        shifted = runs[..., place] << offset
        words[..., word] |= shifted & 0xFFFFFFFF
        words[..., word + 1] |= shifted >> 32
    return words[..., :bits].flatten(-2)[..., :num_words].int().movedim(-1, dim).contiguous()


def cut(weight, high, wide):
    """Blocks as (rows of blocks, blocks in a row, values), the last ones filled up with zeros."""
    rows, columns = weight.shape
    filled = torch.nn.functional.pad(weight, (0, -columns % wide, 0, -rows % high))
    return filled.unflatten(0, (-1, high)).unflatten(2, (-1, wide)).transpose(1, 2).flatten(2)


def spread(scale, shape, high, wide):
    """A scale for each value from one for each block."""
    every = scale.repeat_interleave(high, 0).repeat_interleave(wide, 1)
    return every[: shape[0], : shape[1]]
