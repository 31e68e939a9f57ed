"""What quantized products are worth in speed: linear maps of an 8 B model in bf16, FP8 and INT-8.

    python benchmarks/quantized_products.py [DEVICE]

Products are torch's own: `torch._scaled_mm` with one scale for each tensor or one for each token
and output channel, `torch._int_mm` with scales put on afterwards. "product" has its input quantized
beforehand; "with rounding" rounds a bf16 input token by token first, compiled where that is
possible. Weights are quantized beforehand in both. Each product is captured in a CUDA graph, so
that launching costs the same for all; times are the least of several, ratios are to bf16.
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

SHAPES = {
    "q, k and v": (4096, 6144),
    "attention's output": (4096, 4096),
    "gate and up": (4096, 24576),
    "down": (12288, 4096),
}
"""Linear maps of Qwen3-8B as engines fuse them: input and output channels."""

TOKENS = (32, 256, 4096, 16384)
CALLS, REPETITIONS = 10, 7
E4M3_LARGEST, INT8_LARGEST = 448.0, 127.0

Product = Callable[[], Tensor]


class Quantized(NamedTuple):
    """Codes, and a scale for each row."""

    codes: Tensor
    scale: Tensor


def by_row(x: Tensor, largest: float, dtype: torch.dtype) -> Quantized:
    """Round each row with a scale of its own."""
    scale = (x.abs().amax(dim=1, keepdim=True).float() / largest).clamp(min=1e-12)
    codes = x.float() / scale
    return Quantized((codes.round() if dtype == torch.int8 else codes).to(dtype), scale)


def fp8(x: Tensor) -> Quantized:
    """Round to E4M3."""
    return by_row(x, E4M3_LARGEST, torch.float8_e4m3fn)


def int8(x: Tensor) -> Quantized:
    """Round to INT-8."""
    return by_row(x, INT8_LARGEST, torch.int8)


def fp8_product(x: Quantized, w: Quantized) -> Tensor:
    """Multiply, a scale for each token and each output channel."""
    return torch._scaled_mm(  # noqa: SLF001 torch has no public name for it
        x.codes, w.codes.t(), scale_a=x.scale, scale_b=w.scale.t(), out_dtype=torch.bfloat16
    )


def fp8_product_of_tensors(x: Tensor, w: Tensor, one: Tensor) -> Tensor:
    """Multiply, one scale for each tensor."""
    return torch._scaled_mm(  # noqa: SLF001
        x, w.t(), scale_a=one, scale_b=one, out_dtype=torch.bfloat16, use_fast_accum=True
    )


def int8_product(x: Quantized, w: Quantized, scaled: Callable[..., Tensor]) -> Tensor:
    """Multiply, and scale by token and output channel."""
    sums = torch._int_mm(x.codes, w.codes.t())  # noqa: SLF001
    return scaled(sums, x.scale, w.scale)


def int8_scaled(sums: Tensor, of_tokens: Tensor, of_channels: Tensor) -> Tensor:
    """What follows an INT-8 product."""
    return (sums * of_tokens * of_channels.t()).to(torch.bfloat16)


def products(x: Tensor, w: Tensor) -> Iterator[tuple[str, Product]]:
    """Each way of multiplying, by name; bf16 is first."""
    to_fp8, to_int8 = torch.compile(fp8), torch.compile(int8)
    scaled = torch.compile(int8_scaled)
    one = torch.ones((), device=x.device)
    x_fp8, w_fp8, x_int8, w_int8 = fp8(x), fp8(w), int8(x), int8(w)
    yield "bf16", partial(torch.nn.functional.linear, x, w)
    yield "FP8 per tensor", partial(fp8_product_of_tensors, x_fp8.codes, w_fp8.codes, one)
    yield "FP8 per token", partial(fp8_product, x_fp8, w_fp8)
    yield "FP8 per token, with rounding", lambda: fp8_product(to_fp8(x), w_fp8)
    yield "INT8 per token", partial(int8_product, x_int8, w_int8, scaled)
    yield "INT8 per token, with rounding", lambda: int8_product(to_int8(x), w_int8, scaled)


def seconds(product: Product) -> float:
    """The least time of one call, launched from a graph of several."""
    product()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(CALLS):
            product()
    spent: list[float] = []
    for _ in range(REPETITIONS):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        graph.replay()
        end.record()
        torch.cuda.synchronize()
        spent.append(start.elapsed_time(end) / 1000 / CALLS)
    return min(spent)


def main(device: str = "cuda") -> None:
    """Measure and print."""
    torch.manual_seed(0)
    total: dict[int, dict[str, float]] = {tokens: {} for tokens in TOKENS}
    for title, (width, outputs) in SHAPES.items():
        w = torch.randn(outputs, width, device=device, dtype=torch.bfloat16) / width**0.5
        for tokens in TOKENS:
            x = torch.randn(tokens, width, device=device, dtype=torch.bfloat16)
            found = {name: seconds(product) for name, product in products(x, w)}
            for name, spent in found.items():
                total[tokens][name] = total[tokens].get(name, 0.0) + spent
                told = f"{spent * 1e6:9.1f} us, {found['bf16'] / spent:.2f} times as fast as bf16"
                print(f"{title:<20}{tokens:>7,} tokens  {name:<30}{told}")
    for tokens, found in total.items():
        for name, spent in found.items():
            told = f"{spent * 1e6:9.1f} us, {found['bf16'] / spent:.2f} times as fast as bf16"
            print(f"{'all four':<20}{tokens:>7,} tokens  {name:<30}{told}")


if __name__ == "__main__":
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    main(*sys.argv[1:])
