"""One measurement of a checkpoint that is here, in this process: every step in order."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from hubmaxact.corpus import Corpus
from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.measurement.assembly.environment import environment
from hubmaxact.measurement.checkpoint.weight_digests import WeightDigests
from hubmaxact.measurement.loops.cpu_threads import cpu_threads
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.prepare import Prepared, prepare, prepare_readers
from hubmaxact.measurement.source import Source
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.report.model_block import AdapterBase, Model, WeightFile
from hubmaxact.report.validate import problems_of

if TYPE_CHECKING:
    from hubmaxact.measurement.assembly.report import Measured
    from hubmaxact.measurement.checkpoint.adapter import Adapter
    from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
    from hubmaxact.measurement.distributed.group import Group
    from hubmaxact.measurement.kept_run import States
    from hubmaxact.measurement.run_plan import Ran


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
    ran = run_source(source, options, watcher, corpus=corpus, hashes_weights=hashes_weights)
    assert ran is not None
    return assembled(ran, watcher)


def assembled(ran: "Ran", watcher: Watcher) -> "Measured":
    """Make a report of a run.

    Args:
        ran: All of it.
        watcher: Hears of it.

    Returns:
        The report, and contents of the files that lie beside it, by file name.
    """
    from hubmaxact.measurement.assembly.report import assemble

    watcher.stage("Assembling the report")
    return assemble(ran.facts, ran.recorder, ran.losses)


def run_source(
    source: Source,
    options: Options,
    watcher: Watcher,
    *,
    corpus: Corpus | None = None,
    hashes_weights: bool = True,
    group: "Group | None" = None,
    states: "States | None" = None,
) -> "Ran | None":
    """Run a checkpoint that is here over its texts, or this process's part of them.

    Args:
        source: As in `measure_source`.
        options: As in `measure_source`.
        watcher: As in `measure_source`.
        corpus: As in `measure_source`.
        hashes_weights: As in `measure_source`.
        group: The processes that take part. None: this one alone.
        states: Where what was seen is kept. None: nowhere.

    Returns:
        On rank 0 all that was seen. None: elsewhere.

    Raises:
        HubmaxactError: As `run.measure`.
    """
    with ExitStack() as held:
        prepared = prepare(source, options, watcher, corpus, held)
        if options.end_to_end:
            _require_head(prepared)
        places = prepared.files.places if hashes_weights else ()
        return _run(prepared, source, options, watcher, places, group, states)


def _run(
    prepared: Prepared,
    source: Source,
    options: Options,
    watcher: Watcher,
    places: "Sequence[Adapter | WeightFiles]",
    group: "Group | None",
    states: "States | None",
) -> "Ran | None":
    """Run what is loaded; files of weights in some places are hashed meanwhile."""
    # It loads torch, which refusals do without.
    from hubmaxact.measurement.distributed.group import Alone
    from hubmaxact.measurement.execution.products import (
        multiplying,
        products_for,
        told_of_choice,
    )
    from hubmaxact.measurement.kept_run import States
    from hubmaxact.measurement.run_plan import run_plan

    group = group or Alone()
    model = _model(prepared, source)
    products = products_for(options.products, prepared.loaded.dtype, prepared.loaded.model)
    if options.products == "auto" and (said := told_of_choice(prepared.loaded.dtype, products)):
        watcher.note(said)
    hashed_here = places if group.rank == 0 else ()
    with ExitStack() as hashing:
        digests = [hashing.enter_context(WeightDigests(each)) for each in hashed_here]
        with cpu_threads(options.cpu_threads), multiplying(products):
            prepare_readers(
                prepared.loaded.model, watcher, format_errors=options.sums_format_errors
            )
            here = environment(prepared.loaded.model, products)
            ran = run_plan(prepared, options, watcher, model, here, group, states or States())
        if not all(each.ready for each in digests):
            watcher.stage("Hashing the rest of the weights")
        hashed = [each.result() for each in digests]
    if hashed:
        model["weight_files"], *of_base = hashed
        for held in of_base:
            model["adapter_base"]["weight_files"] = held
    return ran


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
