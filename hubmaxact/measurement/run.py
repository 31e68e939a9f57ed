"""One measurement, from a checkpoint to a report: every step in order, nothing decided here."""

import gc
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hubmaxact.errors import OutOfMemoryError, UnsafeCheckpointError
from hubmaxact.measurement import libraries
from hubmaxact.measurement.asked_rounding import asked_roundings
from hubmaxact.measurement.assembly.environment import environment
from hubmaxact.measurement.batch_plan import LARGEST_BUDGET
from hubmaxact.measurement.checkpoint.weight_digests import WeightDigests
from hubmaxact.measurement.execution.cpu_threads import cpu_threads
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.prepare import Prepared, plan_for, prepare, prepare_readers, require
from hubmaxact.measurement.source import Source
from hubmaxact.measurement.source_with_base import resolve_with_base
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.report.document import Report
from hubmaxact.report.model_block import AdapterBase, Model, WeightFile
from hubmaxact.report.roles import DEPLOYMENT
from hubmaxact.report.validate import problems_of

if TYPE_CHECKING:
    from hubmaxact.measurement.assembly.report import Measured
    from hubmaxact.measurement.end_to_end.passes import Losses
    from hubmaxact.measurement.execution.forward import Measurement

SMALLEST_BUDGET = 256


def measure(
    checkpoint: str | Path,
    options: Options | None = None,
    *,
    revision: str | None = None,
    model_id: str | None = None,
    base: str | Path | None = None,
    watcher: Watcher | None = None,
) -> Report:
    """Measure a checkpoint and return its report; nothing is written.

    Under profile deployment the report names files that lie beside it, which `measure_in_full`
    returns too.

    Args:
        checkpoint: Folder in transformers' layout, or a Hub id ("owner/name"), which is downloaded
            into the Hub's cache. A `Path` is always a folder. A LoRA adapter is measured merged
            into its base.
        options: Corpus, lengths in tokens, dtype, device and so on. None: the command line's
            defaults.
        revision: Branch, tag or commit; resolved to a commit before anything is read. Hub ids only.
        model_id: Hub id to record for a local folder. None: the report names no repository.
        base: What a LoRA adapter is merged into, where its configuration names another machine's
            path: a folder, or a Hub id ("owner/name", "owner/name@revision"). None: what the
            adapter names.
        watcher: Hears of stages and batches. None: nobody does.

    Returns:
        A report that `validate` accepts. Its values are activations in the tensors' own units;
        every field is described in schema/README.md.

    Raises:
        MissingPackageError: torch or another library of the extra `measure` is not installed.
        NoCheckpointError: `checkpoint` is no folder and no Hub id, or not one of a checkpoint.
        HubError: The repository cannot be read.
        UnsafeCheckpointError: The checkpoint would need code or pickle, is quantized in a way
            that is not dequantized here, or its files lie.
        IncompleteWeightsError: A weight is missing, unexpected or of another shape, or a Git LFS
            pointer stands in the place of a file.
        AdapterError: It is an adapter that is no plain sum, or whose base cannot be had.
        OptionsError: A base was named for what is no adapter.
        UnknownAnatomyError: It is no causal decoder whose parts can be told apart.
        CorpusError: The corpus is empty, damaged or not there.
        VocabularyError: The tokenizer's ids do not fit the embedding.
        CoverageError: An expected tensor cannot be seen, and `options.allow_partial` is false.
        DeviceError: The device cannot be used here.
        ForwardPassError: The model's own forward pass raises.
        OutOfMemoryError: The weights or a batch do not fit; the message names what may.

    Source: arXiv:2605.15572; what is made exact stands in README, "How the numbers are made".
    """
    return measure_in_full(
        checkpoint, options, revision=revision, model_id=model_id, base=base, watcher=watcher
    ).report


def measure_in_full(
    checkpoint: str | Path,
    options: Options | None = None,
    *,
    revision: str | None = None,
    model_id: str | None = None,
    base: str | Path | None = None,
    watcher: Watcher | None = None,
) -> "Measured":
    """Measure a checkpoint; return its report and the files that lie beside it.

    Args:
        checkpoint: As in `measure`.
        options: As in `measure`.
        revision: As in `measure`.
        model_id: As in `measure`.
        base: As in `measure`.
        watcher: As in `measure`.

    Returns:
        The report, and contents by file name.

    Raises:
        HubmaxactError: As `measure`.
    """
    libraries.require()
    options, watcher = options or Options(), watcher or Watcher()
    if options.profile == DEPLOYMENT:
        libraries.load_tables()
    source = resolve_with_base(checkpoint, revision=revision, model_id=model_id, base=base)
    prepared = prepare(source, options, watcher)
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
    with ExitStack() as reading:
        digests = [reading.enter_context(WeightDigests(each)) for each in prepared.files.places]
        with cpu_threads(options.cpu_threads), multiplying(products):
            prepare_readers(
                prepared.loaded.model, watcher, format_errors=options.sums_format_errors
            )
            budget, (measurement, losses) = _measure(prepared, options, watcher)
            here = environment(prepared.loaded.model, products)
        if not all(each.ready for each in digests):
            watcher.stage("Hashing the rest of the weights")
        model["weight_files"], *of_base = [each.result() for each in digests]
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
    from hubmaxact.measurement.end_to_end.head import require_head, try_head

    loaded = prepared.loaded
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

    plan = plan_for(prepared.samples, options, batch_tokens)
    watcher.planned(plan, len(prepared.anatomy.sites), sum(prepared.samples.lengths))
    measurement = forward.measure(
        prepared.loaded.model,
        prepared.anatomy,
        plan,
        prepared.samples.ids,
        format_errors=options.sums_format_errors,
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
