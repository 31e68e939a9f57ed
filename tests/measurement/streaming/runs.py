"""The same checkpoint measured in memory and layer by layer."""

from hubmaxact import Options
from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.batch_plan import plan_batches
from hubmaxact.measurement.checkpoint.load import load
from hubmaxact.measurement.checkpoint.weight_files import inspect
from hubmaxact.measurement.execution.forward import measure
from hubmaxact.measurement.execution.recorder import Recorder
from hubmaxact.measurement.measure_source import measure_source
from hubmaxact.measurement.source_with_base import resolve_with_base
from hubmaxact.measurement.streaming.load import load_streamed
from hubmaxact.measurement.streaming.measure import stream
from hubmaxact.measurement.streaming.room import Budget
from hubmaxact.measurement.streaming.streaming import Streaming
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.report.write import report_bytes

FEW = {
    "num_samples": 9, "max_seq_len": 40, "batch_tokens": 90, "calibration_samples": 4,
    "evaluation_samples": 3, "device": "cpu",
}  # fmt: skip


def both(checkpoint, corpus, **options):
    """Return what would be written of a run in memory, and of one layer by layer."""
    options = FEW | {"corpus": str(corpus)} | options
    base = options.pop("base", None)
    source = resolve_with_base(checkpoint, base=base)
    runs = [
        measure_source(source, Options(**options, stream=stream), Watcher())
        for stream in (False, True)
    ]
    return [(report_bytes(run.report), run.sidecars) for run in runs]


def states(folder, ids, *, budget, profile="paper", **how):
    """Return the recorder's state of both ways, and how many batches a chunk had each time."""
    files = inspect(folder)
    plain = load(files, device="cpu")
    anatomy = find_sites(plain.model, profile=profile)
    plan = plan_batches(
        [len(each) for each in ids],
        calibration=4,
        evaluation=3,
        batch_tokens=60,
        pads=not anatomy.bidirectional,
    )
    whole = measure(plain.model, anatomy, plan, ids).recorder
    recorder, chunks = Recorder(anatomy, len(ids)), []
    with load_streamed(files, device="cpu") as (loaded, weights):
        assert (loaded.notes, loaded.left_aside) == (plain.notes, plain.left_aside)
        assert find_sites(loaded.model, profile=profile) == anatomy
        streaming = Streaming.of(weights, anatomy)
        stream(
            streaming,
            anatomy,
            ids,
            plan.batches,
            recorder,
            budget=Budget(*budget),
            on_done=chunks.append,
            **how,
        )
    assert [batch for chunk in chunks for batch in chunk] == list(plan.batches)
    return whole.state(), recorder.state(), [len(chunk) for chunk in chunks]
