"""A prepared checkpoint run over its texts: batches planned, run, and run again with rounding."""

import gc
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

from hubmaxact.errors import OutOfMemoryError
from hubmaxact.measurement.asked_rounding import asked_roundings
from hubmaxact.measurement.assembly.protocol import protocol
from hubmaxact.measurement.assembly.sidecar_bytes import sidecar_bytes
from hubmaxact.measurement.batch_plan import LARGEST_BUDGET, Batch
from hubmaxact.measurement.distributed.agreement import require_same
from hubmaxact.measurement.distributed.group import Group
from hubmaxact.measurement.end_to_end.passes import EndToEndPasses, Losses
from hubmaxact.measurement.execution.forward import Measurement, measure
from hubmaxact.measurement.execution.recorder import Recorder
from hubmaxact.measurement.kept_run import States, run_of
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.passes import Fold, Passes
from hubmaxact.measurement.prepare import Prepared, plan_for, require
from hubmaxact.measurement.run_facts import RunFacts
from hubmaxact.measurement.state.fingerprint import fingerprint
from hubmaxact.measurement.streaming.measure import stream
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.report.document import Environment
from hubmaxact.report.model_block import Model
from hubmaxact.report.roles import DEPLOYMENT

SMALLEST_BUDGET = 256


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run gives, before it is a report."""

    facts: RunFacts
    recorder: Recorder  # of all batches, or of a share
    losses: Losses | None = None


def run_plan(
    prepared: Prepared,
    options: Options,
    watcher: Watcher,
    model: Model,
    environment: Environment,
    group: Group,
    states: States,
) -> Ran | None:
    """Run the plan; only an automatic budget starts over by itself, from zero.

    Args:
        prepared: Model, texts and sites.
        options: What the run was told.
        watcher: Hears of batches.
        model: The report's block about the checkpoint.
        environment: The report's block about this machine.
        group: The processes that take part.
        states: Where what was seen is kept.

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
            return _run(prepared, options, watcher, facts, group, states)
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
    prepared: Prepared,
    options: Options,
    watcher: Watcher,
    facts: RunFacts,
    group: Group,
    states: States,
) -> Ran | None:
    if group.size > 1:
        require_same(group, run_of(facts, fingerprint(prepared.files)))
    num_tokens = sum(prepared.samples.lengths)
    if options.profile == DEPLOYMENT and group.rank == 0:
        watcher.room_needed(sidecar_bytes(facts.anatomy, prepared.loaded.model, num_tokens))
    watcher.planned(facts.plan, len(facts.anatomy.sites), num_tokens)
    passes = Passes(facts=facts, fold=_fold(prepared, facts, watcher), group=group, watcher=watcher)
    keepers = states.keepers(facts, prepared.files, watcher.note)
    recorder = passes.run(options.share, *keepers)
    if recorder is None:
        return None
    if options.shard is not None:
        return Ran(facts, recorder)
    missing = Measurement(facts.anatomy, facts.plan, recorder).missing
    require(missing, allow_partial=facts.allow_partial)
    return Ran(facts, recorder, _end_to_end(prepared, facts, recorder, options, watcher))


def _fold(prepared: Prepared, facts: RunFacts, watcher: Watcher) -> Fold:
    """How batches of a model are run: of one that is in memory, or layer by layer."""
    streaming, simulation = prepared.streaming, prepared.simulation
    changed = nullcontext if simulation is None else simulation.applied
    if streaming is not None:
        num_layers = len(streaming.trial.layers.order)
        return partial(
            stream,
            streaming,
            facts.anatomy,
            prepared.samples.ids,
            changed=changed,
            on_layer=lambda batch: watcher.layer_done(batch, num_layers),
        )

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
            changed=changed(),
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
