"""A prepared checkpoint run over its texts: batches planned, run, and run again with rounding."""

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hubmaxact.errors import OutOfMemoryError
from hubmaxact.measurement.asked_rounding import asked_roundings
from hubmaxact.measurement.assembly.protocol import protocol
from hubmaxact.measurement.batch_plan import LARGEST_BUDGET, Batch
from hubmaxact.measurement.distributed.group import Group
from hubmaxact.measurement.end_to_end.passes import EndToEndPasses, Losses
from hubmaxact.measurement.execution.forward import Measurement, measure
from hubmaxact.measurement.execution.recorder import Recorder
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.passes import Fold, Passes
from hubmaxact.measurement.prepare import Prepared, plan_for, require
from hubmaxact.measurement.run_facts import RunFacts
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.report.document import Environment
from hubmaxact.report.model_block import Model

SMALLEST_BUDGET = 256


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run gives, before it is a report."""

    facts: RunFacts
    recorder: Recorder
    losses: Losses | None = None


def run_plan(
    prepared: Prepared,
    options: Options,
    watcher: Watcher,
    model: Model,
    environment: Environment,
    group: Group,
) -> Ran | None:
    """Run the plan; only an automatic budget starts over by itself, from zero.

    Args:
        prepared: Model, texts and sites.
        options: What the run was told.
        watcher: Hears of batches.
        model: The report's block about the checkpoint.
        environment: The report's block about this machine.
        group: The processes that take part.

    Returns:
        On rank 0 all that was seen. None: elsewhere.

    Raises:
        ForwardPassError: The model's own forward pass raises.
        OutOfMemoryError: A batch does not fit; the message names what may.
        CoverageError: An expected tensor was never seen, and that is not allowed.
    """
    budget = options.batch_tokens or LARGEST_BUDGET
    while True:
        facts = _facts(prepared, options, budget, model, environment)
        try:
            return _run(prepared, options, watcher, facts, group)
        except OutOfMemoryError:
            if options.batch_tokens is not None or budget <= SMALLEST_BUDGET:
                raise
        # Frames of the failed pass may hold its tensors in cycles until they are collected.
        gc.collect()
        budget //= 2
        watcher.stage(f"Out of memory: starting over with batches of {budget} tokens")


def _facts(
    prepared: Prepared, options: Options, batch_tokens: int, model: Model, environment: Environment
) -> RunFacts:
    """The run with batches of so many tokens."""
    anatomy = prepared.anatomy
    plan = plan_for(prepared.samples, options, batch_tokens, bidirectional=anatomy.bidirectional)
    return RunFacts(
        model=model,
        protocol=protocol(prepared, plan, options, batch_tokens),
        environment=environment,
        domains=prepared.samples.domains,
        plan=plan,
        anatomy=anatomy,
        allow_partial=options.allow_partial,
    )


def _run(
    prepared: Prepared, options: Options, watcher: Watcher, facts: RunFacts, group: Group
) -> Ran | None:
    num_tokens = sum(prepared.samples.lengths)
    watcher.planned(facts.plan, len(facts.anatomy.sites), num_tokens)
    passes = Passes(facts=facts, fold=_fold(prepared, facts), group=group, watcher=watcher)
    recorder = passes.run()
    if recorder is None:
        return None
    require(Measurement(facts.anatomy, facts.plan, recorder).missing, options)
    return Ran(facts, recorder, _end_to_end(prepared, facts, recorder, options, watcher))


def _fold(prepared: Prepared, facts: RunFacts) -> Fold:
    """How batches of a model that is in memory are run."""

    def fold(
        batches: Sequence[Batch],
        recorder: Recorder,
        *,
        ends: bool,
        on_done: Callable[[tuple[Batch, ...]], None],
    ) -> None:
        measure(
            prepared.loaded.model,
            facts.anatomy,
            facts.plan,
            prepared.samples.ids,
            batches=batches,
            recorder=recorder,
            changed=None if prepared.simulation is None else prepared.simulation.applied(),
            ends=ends,
            on_done=on_done,
        )

    return fold


def _end_to_end(
    prepared: Prepared, facts: RunFacts, recorder: Recorder, options: Options, watcher: Watcher
) -> Losses | None:
    """Run the evaluation split again, if that was asked for, with rounding and without."""
    if not options.end_to_end:
        return None
    recorder.settle()
    passes = EndToEndPasses(
        prepared.loaded.model,
        facts.anatomy,
        asked_roundings(options.end_to_end),
        recorder.sites,
    )
    watcher.planned_again(facts.plan.evaluation, passes.num_passes)
    return passes.run(facts.plan, prepared.samples.ids, watcher.batch_done)
