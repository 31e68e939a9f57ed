"""One measurement, from a checkpoint to a report: every step in order, nothing decided here."""

import gc
from typing import Any

from hubmaxact.errors import OutOfMemoryError, UnsafeCheckpointError
from hubmaxact.measurement.assembly.environment import environment
from hubmaxact.measurement.checkpoint.weight_files import digest_weights
from hubmaxact.measurement.execution.cpu_threads import cpu_threads
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.prepare import Prepared, plan_for, prepare, require
from hubmaxact.measurement.source import Source
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.report.document import Model, Report
from hubmaxact.report.validate import problems_of

SMALLEST_BUDGET = 256
LARGEST_BUDGET = 1 << 17

__all__ = ["Options", "Source", "Watcher", "environment", "measure_checkpoint"]


def measure_checkpoint(source: Source, options: Options, watcher: Watcher | None = None) -> Report:
    """Measure a checkpoint and return its report.

    Raises:
        HubmaxactError: anything the user can fix, in one sentence.
    """
    watcher = watcher or Watcher()
    prepared = prepare(source, options, watcher)
    from hubmaxact.measurement.assembly.report import (
        assemble,  # loads torch, which refusals do without
    )

    watcher.stage("Hashing the weights")
    model = _model(prepared, source)
    with cpu_threads(options.cpu_threads):
        budget, measurement = _measure(prepared, options, watcher)
        here = environment(prepared.loaded.model)
    require([m.reason for m in measurement.missing], measurement.missing, options)
    return assemble(
        prepared,
        measurement,
        options,
        model=model,
        batch_tokens=budget,
        environment=here,
    )


def _model(prepared: Prepared, source: Source) -> Model:
    """The report's block about the checkpoint; what cannot stand in it is refused before the run.

    Raises:
        UnsafeCheckpointError: a name in the checkpoint, or the id given for it, is none.
    """
    from hubmaxact.measurement.assembly.model import describe_model

    model = describe_model(
        prepared.files,
        digest_weights(prepared.files),
        prepared.loaded,
        prepared.anatomy,
        model_id=source.model_id,
        revision=source.revision,
        commit=source.commit,
    )
    for problem in problems_of("model", model):
        raise UnsafeCheckpointError(f"this cannot stand in a report: {problem}. Rename it.")
    return model


def _measure(prepared: Prepared, options: Options, watcher: Watcher) -> tuple[int, Any]:
    """Run the plan; only an automatic budget starts over by itself, from zero."""
    if options.batch_tokens is not None:
        return options.batch_tokens, _run(prepared, options, options.batch_tokens, watcher)
    budget = LARGEST_BUDGET
    while True:
        try:
            return budget, _run(prepared, options, budget, watcher)
        except OutOfMemoryError:
            if budget <= SMALLEST_BUDGET:
                raise
        # Frames of the failed pass may hold its tensors in cycles until they are collected.
        gc.collect()
        budget //= 2
        watcher.stage(f"Out of memory: starting over with batches of {budget} tokens")


def _run(prepared: Prepared, options: Options, batch_tokens: int, watcher: Watcher) -> Any:
    from hubmaxact.measurement.execution.forward import measure

    plan = plan_for(prepared, options, batch_tokens)
    watcher.planned(plan, len(prepared.anatomy.sites), sum(prepared.samples.lengths))
    return measure(
        prepared.loaded.model,
        prepared.anatomy,
        plan,
        prepared.samples.ids,
        on_batch=watcher.batch_done,
    )
