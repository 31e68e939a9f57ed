"""Stored weights of every formula, each with a function that computes it number by number."""

import json
import math

import numpy as np
import torch
from measurement.dequantization.one_by_one import F, code_in, e2m1, e4m3, e8m0, matrix, nibble
from measurement.dequantization.stored import E4M3, E8M0, Random, stored

ROWS, COLUMNS = 40, 72


def _block(high, wide, dtype=torch.float32, codes=E4M3):
    """Codes of a byte in blocks, the last ones cut where sides are no multiples."""

    def case():
        draw = Random()
        of = draw.bytes(ROWS, COLUMNS)
        grid = (-(-ROWS // high), -(-COLUMNS // wide))
        if dtype in {E8M0, torch.uint8}:
            byte = draw.bytes(*grid)
            byte.view(-1)[:3] = torch.tensor([0, 254, 255])
            scale = byte.view(dtype)
            number = np.array([[e8m0(one) for one in row] for row in byte.tolist()])
        else:
            scale = draw.scales(*grid, dtype=dtype)
            number = scale.float().numpy()
        meaning = e4m3 if codes is E4M3 else lambda byte: byte - 256 if byte > 127 else byte
        values, number = of.tolist(), number.astype(F)
        weight = stored("scaled", (ROWS, COLUMNS), block=(high, wide))

        def slow():
            return matrix(
                ROWS, COLUMNS,
                lambda r, c: F(meaning(values[r][c])) * number[r // high][c // wide],
            )  # fmt: skip

        return weight, {"codes": of.view(codes), "scale": scale}, slow

    return case


def _scale_of(shape):
    """E4M3 codes with one scale for all, or for each row, of any of the shapes that ship."""

    def case():
        draw = Random()
        of, scale = draw.bytes(ROWS, COLUMNS), draw.scales(*shape)
        values = of.tolist()
        number = scale.reshape(-1, 1).expand(ROWS, 1).numpy()
        weight = stored("scaled", (ROWS, COLUMNS))
        return (
            weight,
            {"codes": of.view(E4M3), "scale": scale},
            lambda: matrix(ROWS, COLUMNS, lambda r, c: F(e4m3(values[r][c])) * number[r][0]),
        )

    return case


def asymmetric():
    """INT8 less a zero point of its row."""
    draw = Random()
    of, zero = draw.bytes(ROWS, COLUMNS).view(torch.int8), draw.bytes(ROWS, 1).view(torch.int8)
    scale = draw.scales(ROWS, 1, dtype=torch.bfloat16)
    code, less, number = of.tolist(), zero.tolist(), scale.float().numpy()
    parts = {"codes": of, "scale": scale, "zero_point": zero}
    return (
        stored("scaled", (ROWS, COLUMNS), bits=8),
        parts,
        lambda: matrix(ROWS, COLUMNS, lambda r, c: F(code[r][c] - less[r][0]) * number[r][0]),
    )


def _fp4(formula, group, second=None, dtype=torch.uint8, stack=()):
    """Two FP4 codes a byte, a scale for a group, and perhaps a second scale for a matrix."""

    def case():
        draw = Random()
        of, byte = (
            draw.bytes(*stack, ROWS, COLUMNS // 2),
            draw.bytes(*stack, ROWS, COLUMNS // group),
        )
        parts = {"codes": of.view(dtype), "scale": byte if second is None else byte.view(E4M3)}
        by = torch.tensor([0.37, 1.9e-5])[: math.prod(stack)]
        if second:
            parts[second] = by
        codes = of.reshape(-1, ROWS, COLUMNS // 2).tolist()
        scales = byte.reshape(-1, ROWS, COLUMNS // group).tolist()

        def scale(matrix_of, row, column):
            code = scales[matrix_of][row][column // group]
            if second is None:
                return F(e8m0(code))
            number = by[matrix_of].numpy()
            return F(e4m3(code)) / number if second == "divisor" else F(e4m3(code)) * number

        def slow():
            every = [
                matrix(
                    ROWS, COLUMNS,
                    lambda r, c, m=m: F(e2m1(nibble(codes[m][r], c))) * scale(m, r, c),
                )
                for m in range(len(codes))
            ]  # fmt: skip
            return np.stack(every).reshape(*stack, ROWS, COLUMNS)

        said = {"bits": 4} if formula == "scaled" else {}
        return stored(formula, (*stack, ROWS, COLUMNS), group_size=group, **said), parts, slow

    return case


def experts():
    """gpt-oss: each expert turned round."""
    draw = Random()
    of, byte = draw.bytes(3, ROWS, 2, 16), draw.bytes(3, ROWS, 2)
    codes, scales = of.flatten(2).tolist(), byte.tolist()

    def slow():
        return np.stack([
            matrix(64, ROWS, lambda c, r, e=e: F(e2m1(nibble(codes[e][r], c)))
                   * F(e8m0(scales[e][r][c // 32])))
            for e in range(3)
        ])  # fmt: skip

    return stored("mxfp4_experts", (3, 64, ROWS)), {"codes": of, "scale": byte}, slow


def _packed(bits, group=16, *, is_symmetric=True, index=None):
    """compressed-tensors' integers in words; 75 columns fill no word and cut the last group."""
    columns = 75

    def case():
        draw, half = Random(bits), 1 << bits - 1
        groups = -(-columns // group) if group else 1
        words = draw.words(ROWS, -(-columns * bits // 32))
        scale = draw.scales(ROWS, groups, dtype=torch.bfloat16)
        parts = {"codes": words, "scale": scale, "shape": torch.tensor([ROWS, columns])}
        of = [c // group if group else 0 for c in range(columns)]
        if index == "shuffled":
            of = torch.tensor(of)[draw.order(columns)].tolist()
            parts["group_index"] = torch.tensor(of).int()
        elif index == "none":
            parts["group_index"] = torch.full((columns,), -1)
        zeros = draw.words(-(-ROWS * bits // 32), groups)
        if not is_symmetric:
            parts["zero_point"] = zeros
        rows, number = words.tolist(), scale.float().numpy()
        down = zeros.T.tolist()

        def slow():
            def one(r, c):
                zero = half if is_symmetric else code_in(down[of[c]], r, bits)
                return F(code_in(rows[r], c, bits) - zero) * number[r][of[c]]

            return matrix(ROWS, columns, one)

        room = words.shape[1] * 32 // bits
        return stored("packed_int", (ROWS, room), bits=bits, group_size=group), parts, slow

    return case


def _gptq(bits, *, is_first=True, is_shuffled=False, group=16):
    """Turned round; zero points less one until the second format."""
    rows, columns = 32, 64

    def case():
        draw = Random(bits)
        of = [c // (group or columns) for c in range(columns)]
        if is_shuffled:
            of = torch.tensor(of)[draw.order(columns)].tolist()
        groups = max(of) + 1
        words = draw.words(columns * bits // 32, rows)
        zeros = draw.words(groups, rows * bits // 32)
        scale = draw.scales(groups, rows, dtype=torch.float16)
        parts = {"codes": words, "zero_point": zeros, "scale": scale}
        parts["group_index"] = torch.tensor(of).int()
        down, across, number = words.T.tolist(), zeros.tolist(), scale.float().numpy()

        def slow():
            def one(r, c):
                zero = (code_in(across[of[c]], r, bits) + int(is_first)) % 2**bits
                return F(code_in(down[r], c, bits) - zero) * number[of[c]][r]

            return matrix(rows, columns, one)

        said = {"bits": bits, "group_size": group, "offset_zeros": is_first}
        return stored("gptq", (rows, columns), **said), parts, slow

    return case


def awq():
    """Rows 0 to 7 of a word stand in nibbles 0, 4, 1, 5, 2, 6, 3, 7."""
    rows, columns, group = 24, 48, 16
    draw = Random()
    words, zeros = draw.words(columns, rows // 8), draw.words(columns // group, rows // 8)
    scale = draw.scales(columns // group, rows, dtype=torch.float16)
    place = {0: 0, 1: 4, 2: 1, 3: 5, 4: 2, 5: 6, 6: 3, 7: 7}
    of, less, number = words.tolist(), zeros.tolist(), scale.float().numpy()

    def one(r, c):
        code, zero = (
            code_in([line[r // 8]], place[r % 8], 4) for line in (of[c], less[c // group])
        )
        return F(code - zero) * number[c // group][r]

    parts = {"codes": words, "zero_point": zeros, "scale": scale}
    said = {"bits": 4, "group_size": group}
    return stored("awq", (rows, columns), **said), parts, lambda: matrix(rows, columns, one)


def _four_bits(shape, *, is_double=False):
    """bitsandbytes by a table, the first code of a byte in its high bits."""

    def case():
        draw, size = Random(), math.prod(shape)
        of = draw.bytes(-(-size // 2), 1)
        table, blocks = draw.scales(16), -(-size // 64)
        state = {"quant_type": "nf4", "blocksize": 64, "shape": list(shape)}
        parts = {"codes": of, "table": table}
        if is_double:
            state |= {"nested_blocksize": 4, "nested_offset": float(F(0.07))}
            code, nested = draw.bytes(blocks), draw.scales(-(-blocks // 4))
            parts |= {"scale": code, "nested_table": draw.scales(256), "nested_scale": nested}
            with np.errstate(all="ignore"):
                entries = parts["nested_table"].numpy()[code.numpy()]
                absmax = entries * nested.numpy()[np.arange(blocks) // 4] + F(0.07)
        else:
            parts["scale"] = draw.scales(blocks)
            absmax = parts["scale"].numpy()
        parts["state"] = torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8)
        codes, meaning = of.flatten().tolist(), table.numpy()

        def one(_, place):
            code = codes[place // 2] >> (0 if place % 2 else 4) & 15
            return meaning[code] * absmax[place // 64]

        return (
            stored("bitsandbytes_4bit", ()),
            parts,
            lambda: matrix(1, size, one).reshape(shape),
        )

    return case


def eight_bits():
    """LLM.int8, by the very factor that the package multiplies with."""
    draw = Random()
    of, scale = draw.bytes(ROWS, COLUMNS).view(torch.int8), draw.scales(ROWS)
    code, number = of.tolist(), scale.numpy()
    return (
        stored("bitsandbytes_8bit", (ROWS, COLUMNS)),
        {"codes": of, "scale": scale},
        lambda: matrix(
            ROWS, COLUMNS, lambda r, c: F(code[r][c]) * number[r] * F(7.874015718698502e-3)
        ),
    )


CASES = {
    "fp8 in cut blocks": _block(16, 32),
    "fp8 in cut blocks, bf16 scales": _block(32, 32, torch.bfloat16),
    "fp8 in cut blocks, powers of two": _block(16, 32, E8M0),
    "fp8 in one cut block": _block(128, 128),
    "mxfp8, bytes": _block(1, 24, torch.uint8),
    "int8 in blocks": _block(8, 8, codes=torch.int8),
    **{f"fp8, scale of shape {s}": _scale_of(s) for s in ((), (1,), (1, 1), (ROWS,), (ROWS, 1))},
    "int8, asymmetric": asymmetric,
    "fp4 experts beside fp8": _fp4("scaled", 24, dtype=torch.int8),
    "nvfp4, divisor": _fp4("nvfp4", 12, "divisor"),
    "nvfp4, factor": _fp4("nvfp4", 12, "factor"),
    "nvfp4, a stack of experts": _fp4("nvfp4", 12, "divisor", stack=(2,)),
    "mxfp4": _fp4("mxfp4", 24),
    "mxfp4, experts of gpt-oss": experts,
    **{f"packed, {bits} bits": _packed(bits) for bits in range(2, 9)},
    **{f"packed, {n} bits, asymmetric": _packed(n, is_symmetric=False) for n in range(2, 9)},
    "packed, a scale per row": _packed(4, None),
    "packed, shuffled groups": _packed(4, is_symmetric=False, index="shuffled"),
    "packed, an index that says nothing": _packed(3, index="none"),
    **{f"gptq, {bits} bits": _gptq(bits) for bits in (2, 3, 4, 8)},
    "gptq v2": _gptq(4, is_first=False),
    "gptq, shuffled groups": _gptq(4, is_shuffled=True),
    "gptq, one group": _gptq(3, group=None),
    "awq": awq,
    "bitsandbytes, 4 bits": _four_bits((6, 64)),
    "bitsandbytes, an odd number": _four_bits((5, 33)),
    "bitsandbytes, less than a block": _four_bits((3, 7)),
    "bitsandbytes, double": _four_bits((17, 33), is_double=True),
    "bitsandbytes, 8 bits": eight_bits,
}
"""Name -> what makes a stored weight, its parts, and a function that computes it slowly."""
