"""What the statistics cost: a measuring run over a bare forward pass of the same batches.

    python benchmarks/overhead.py CHECKPOINT [NUM_SAMPLES] [MAX_SEQ_LEN] [DEVICE]

Prints the ratio of medians of five alternating repetitions in one process.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from hubmaxact.measurement.batch_plan import Plan
from hubmaxact.measurement.execution.forward import measure
from hubmaxact.measurement.execution.inputs import make_input
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.prepare import Prepared, plan_for, prepare
from hubmaxact.measurement.source import Source
from hubmaxact.measurement.watcher import Watcher

REPETITIONS = 5


def bare(prepared: Prepared, plan: Plan, device: torch.device) -> None:
    """Only the forward passes."""
    owner = prepared.loaded.model.get_submodule(prepared.anatomy.owner)
    with torch.inference_mode():
        for batch in plan.batches:
            ids_BL = make_input(batch, prepared.samples.ids, device).ids_BL
            owner(input_ids=ids_BL, use_cache=False)


def timed(run: Callable[[], object], device: torch.device) -> float:
    """Seconds that a run takes, to the end of what it asked of the device."""
    start = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main(
    checkpoint: str, num_samples: str = "128", max_seq_len: str = "512", device: str = "auto"
) -> None:
    """Measure and print."""
    options = Options(num_samples=int(num_samples), max_seq_len=int(max_seq_len), device=device)
    prepared = prepare(Source(Path(checkpoint)), options, Watcher())
    assert options.batch_tokens  # the default's, so that two machines run the same batches
    plan = plan_for(prepared, options, options.batch_tokens)
    where = prepared.loaded.model.device
    runs: dict[str, Callable[[], object]] = {
        "bare": lambda: bare(prepared, plan, where),
        "measured": lambda: measure(
            prepared.loaded.model, prepared.anatomy, plan, prepared.samples.ids
        ),
    }
    timed(runs["measured"], where)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(REPETITIONS):
        for name, run in runs.items():
            seconds[name].append(timed(run, where))
    median = {name: statistics.median(values) for name, values in seconds.items()}
    tokens = sum(prepared.samples.lengths)
    print(f"{tokens:,} tokens, {len(prepared.anatomy.sites)} sites, {where}")
    print(f"bare {median['bare']:.2f} s, measured {median['measured']:.2f} s")
    print(f"ratio {median['measured'] / median['bare']:.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
