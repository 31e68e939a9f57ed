"""One measurement of a checkpoint that is here, in this process: every step in order."""

import gc
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from hubmaxact.corpus import Corpus
from hubmaxact.errors import OutOfMemoryError, UnsafeCheckpointError
from hubmaxact.measurement.asked_rounding import asked_roundings
from hubmaxact.measurement.assembly.environment import environment
from hubmaxact.measurement.batch_plan import LARGEST_BUDGET
from hubmaxact.measurement.checkpoint.weight_digests import WeightDigests
from hubmaxact.measurement.execution.cpu_threads import cpu_threads
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.prepare import Prepared, plan_for, prepare, prepare_readers, require
from hubmaxact.measurement.source import Source
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.report.model_block import AdapterBase, Model, WeightFile
from hubmaxact.report.validate import problems_of

if TYPE_CHECKING:
    from hubmaxact.measurement.assembly.report import Measured
    from hubmaxact.measurement.end_to_end.passes import Losses
    from hubmaxact.measurement.execution.forward import Measurement

SMALLEST_BUDGET = 256


def measure_source(
    source: Source,
    options: Options,
    watcher: Watcher,
    *,
    corpus: Corpus | None = None,
    hashes_weights: bool = True,
) -> "Measured":
    """Measure a checkpoint that is here, in this process.

    Args:
        source: The checkpoint; code of its own that is to be run runs here.
        options: What the run was told.
        watcher: Hears of stages and batches.
        corpus: The texts. None: those that the options name.
        hashes_weights: Whether the report gets sizes and digests of the weight files, and not 0.

    Returns:
        The report, and contents of the files that lie beside it, by file name.

    Raises:
        HubmaxactError: As `run.measure`.
    """
    prepared = prepare(source, options, watcher, corpus)
    if options.end_to_end:
        _require_head(prepared)
    # It loads torch, which refusals do without.
    from hubmaxact.measurement.assembly.report import assemble
    from hubmaxact.measurement.execution.products import (
        multiplying,
        products_for,
        told_of_choice,
    )

    model = _model(prepared, source)
    products = products_for(options.products, prepared.loaded.dtype, prepared.loaded.model)
    if options.products == "auto" and (said := told_of_choice(prepared.loaded.dtype, products)):
        watcher.note(said)
    places = prepared.files.places if hashes_weights else ()
    with ExitStack() as hashing:
        digests = [hashing.enter_context(WeightDigests(each)) for each in places]
        with cpu_threads(options.cpu_threads), multiplying(products):
            prepare_readers(
                prepared.loaded.model, watcher, format_errors=options.sums_format_errors
            )
            budget, (measurement, losses) = _measure(prepared, options, watcher)
            here = environment(prepared.loaded.model, products)
        if not all(each.ready for each in digests):
            watcher.stage("Hashing the rest of the weights")
        hashed = [each.result() for each in digests]
    if hashed:
        model["weight_files"], *of_base = hashed
        for held in of_base:
            model["adapter_base"]["weight_files"] = held
    watcher.stage("Assembling the report")
    return assemble(
        prepared,
        measurement,
        options,
        model=model,
        batch_tokens=budget,
        environment=here,
        losses=losses,
    )


def _require_head(prepared: Prepared) -> None:
    """What predicts tokens is tried before anything long is run."""
    from hubmaxact.measurement.end_to_end.head import (
        refuse_bidirectional,
        require_head,
        try_head,
    )

    loaded = prepared.loaded
    if prepared.anatomy.bidirectional:
        refuse_bidirectional(loaded.model)
    require_head(loaded.model, prepared.files.name, loaded.no_head)
    try_head(loaded.model, prepared.anatomy)


def _model(prepared: Prepared, source: Source) -> Model:
    """The report's block about the checkpoint; what cannot stand in it is refused first.

    Digests of the weights follow: they are made while the passes run.
    """
    from hubmaxact.measurement.assembly.model import describe_model

    named, *of_base = [
        [WeightFile(path=name, size=0, sha256="0" * 64) for name in place.shards]
        for place in prepared.files.places
    ]
    model = describe_model(
        prepared.files,
        named,
        prepared.loaded,
        prepared.anatomy,
        model_id=source.model_id,
        revision=source.revision,
        commit=source.commit,
        adapter_base=_base(source, of_base),
    )
    for problem in problems_of("model", model):
        raise UnsafeCheckpointError(f"this cannot stand in a report: {problem}. Rename it.")
    return model


def _base(source: Source, weight_files: Sequence[list[WeightFile]]) -> AdapterBase | None:
    """What an adapter is merged into."""
    if source.base is None:
        return None
    return AdapterBase(
        id=source.base.model_id,
        revision=source.base.revision,
        commit=source.base.commit,
        weight_files=weight_files[0],
    )


class _Ran(NamedTuple):
    """What the passes of one plan showed."""

    measurement: "Measurement"
    losses: "Losses | None"


def _measure(prepared: Prepared, options: Options, watcher: Watcher) -> tuple[int, _Ran]:
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


def _run(prepared: Prepared, options: Options, batch_tokens: int, watcher: Watcher) -> _Ran:
    from hubmaxact.measurement.execution import forward

    anatomy = prepared.anatomy
    plan = plan_for(prepared.samples, options, batch_tokens, bidirectional=anatomy.bidirectional)
    watcher.planned(plan, len(anatomy.sites), sum(prepared.samples.lengths))
    measurement = forward.measure(
        prepared.loaded.model,
        anatomy,
        plan,
        prepared.samples.ids,
        format_errors=options.sums_format_errors,
        changed=None if prepared.simulation is None else prepared.simulation.applied(),
        on_batch=watcher.batch_done,
    )
    for way in measurement.recorder.ways:
        watcher.note(f"Statistics were made {way}.")
    require(measurement.missing, options)
    return _Ran(measurement, _end_to_end(prepared, measurement, options, watcher))


def _end_to_end(
    prepared: Prepared, measurement: "Measurement", options: Options, watcher: Watcher
) -> "Losses | None":
    """Run the evaluation split again, if that was asked for, with rounding and without."""
    from hubmaxact.measurement.end_to_end.passes import EndToEndPasses

    if not options.end_to_end:
        return None
    measurement.recorder.settle()
    passes = EndToEndPasses(
        prepared.loaded.model,
        measurement.anatomy,
        asked_roundings(options.end_to_end),
        measurement.recorder.sites,
    )
    watcher.planned_again(measurement.plan.evaluation, passes.num_passes)
    return passes.run(measurement.plan, prepared.samples.ids, watcher.batch_done)
