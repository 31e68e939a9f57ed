"""What products cost in a number format: the bare forward passes, in processor time of one thread.

    python benchmarks/products.py CHECKPOINT [NUM_SAMPLES] [MAX_SEQ_LEN]

float32, then bfloat16 and float16, each with products made in float32 and with torch's own kernels.
ONEDNN_MAX_CPU_ISA=AVX2 in front of it makes torch multiply as on a processor without instructions
for the narrow formats. Prints the least of three repetitions.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from hubmaxact.measurement.execution.inputs import make_input
from hubmaxact.measurement.execution.products import has_instructions, multiplying, products_for
from hubmaxact.measurement.loops.cpu_threads import cpu_threads
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.prepare import plan_for, prepare
from hubmaxact.measurement.source import Source
from hubmaxact.measurement.watcher import Watcher

REPETITIONS = 3
FORMATS = ("float32", "bfloat16", "float16")


def passes(folder: Path, options: Options) -> Callable[[], None]:
    """The forward passes of a checkpoint, with nothing watched."""
    prepared = prepare(Source(folder), options, Watcher())
    model, ids = prepared.loaded.model, prepared.samples.ids
    assert options.batch_tokens
    plan = plan_for(prepared.samples, options, options.batch_tokens)
    owner = model.get_submodule(prepared.anatomy.owner)
    products = products_for(options.products, prepared.loaded.dtype, model)

    def run() -> None:
        with multiplying(products), torch.inference_mode():
            for batch in plan.batches:
                owner(input_ids=make_input(batch, ids, model.device).ids_BL, use_cache=False)

    return run


def seconds(run: Callable[[], None]) -> float:
    """Processor time of the quickest repetition."""
    spent = []
    for _ in range(REPETITIONS):
        start = time.process_time()
        run()
        spent.append(time.process_time() - start)
    return min(spent)


def main(checkpoint: str, num_samples: str = "8", max_seq_len: str = "128") -> None:
    """Measure and print."""
    wide = 0.0
    for dtype in FORMATS:
        for products in ("native", "float32") if dtype != "float32" else ("native",):
            options = Options(
                num_samples=int(num_samples),
                max_seq_len=int(max_seq_len),
                device="cpu",
                dtype=dtype,
                products=products,
            )
            with cpu_threads(1):
                spent = seconds(passes(Path(checkpoint), options))
            wide = wide or spent
            here = f", instructions: {has_instructions(dtype)}" if dtype != "float32" else ""
            print(f"{dtype:9}{products:8}{spent:8.2f} s, {spent / wide:.2f} times float32{here}")


if __name__ == "__main__":
    main(*sys.argv[1:])
