"""A run of shapes: the model without its weights, its texts, the run's own batches, what they cost.

Refuses what a run would, as far as no value is needed. Imports torch.
"""

from dataclasses import dataclass

from hubmaxact.corpus import Corpus
from hubmaxact.errors import ForwardPassError, HubmaxactError
from hubmaxact.measurement.anatomy.decoder_stack import find_stack, token_embedding
from hubmaxact.measurement.anatomy.direction import claims_causal
from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.anatomy.site import Anatomy
from hubmaxact.measurement.batch_plan import LARGEST_BUDGET, Plan, by_split
from hubmaxact.measurement.checkpoint.load import Loaded
from hubmaxact.measurement.checkpoint.shapes import load_shapes
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.measurement.encoding.checked import encoded, encoding_of
from hubmaxact.measurement.encoding.tokenization import Samples, check_vocabulary
from hubmaxact.measurement.end_to_end.head import refuse_bidirectional, require_head
from hubmaxact.measurement.failures.own_error import reason
from hubmaxact.measurement.forecast.cost import Cost, cost_of
from hubmaxact.measurement.forecast.shape_pass import Passes
from hubmaxact.measurement.forecast.shapes_mode import Shapes
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.prepare import plan_for, require
from hubmaxact.measurement.watcher import Watcher


@dataclass(frozen=True, slots=True)
class ShapedRun:
    """What a run starts from, and what it will cost."""

    loaded: Loaded  # its tensors are shapes
    samples: Samples
    plan: Plan
    batch_tokens: int  # most of a batch
    cost: Cost | None  # None: only a pass with values can find the sites


def shaped_run(files: WeightFiles, corpus: Corpus, options: Options, watcher: Watcher) -> ShapedRun:
    """Go as far as a run goes without weights, and weigh the rest.

    Args:
        files: The checkpoint's, found sound.
        corpus: The texts.
        options: What the run is told.
        watcher: Hears of stages, and of what the run will do otherwise.

    Returns:
        The run; its batches are exactly the real one's.

    Raises:
        HubmaxactError: The model, its vocabulary, its head or its texts would be refused.
    """
    watcher.stage("Building the model without its weights")
    shapes = Shapes()
    with shapes.alone():
        loaded = load_shapes(
            files,
            dtype=options.dtype,
            device=options.device,
            attn_implementation=options.attn_implementation,
        )
    bidirectional = not claims_causal(find_stack(loaded.model))
    _require_runnable(loaded, files.name, options, bidirectional=bidirectional)
    with encoding_of(corpus, options) as encoding:
        samples, _ = encoded(loaded, encoding, options, watcher)
    budget = options.batch_tokens or LARGEST_BUDGET
    plan = plan_for(samples, options, budget, bidirectional=bidirectional)
    _tell_differences(plan, options, watcher)
    watcher.stage("Running shapes and timing products")
    with shapes.alone():
        ran = _run(loaded, plan, options, watcher)
    cost = None if ran is None else cost_of(loaded, *ran, plan, samples.lengths, options)
    return ShapedRun(loaded, samples, plan, budget, cost)


def _require_runnable(loaded: Loaded, name: str, options: Options, *, bidirectional: bool) -> None:
    """Refuse a vocabulary that is too small, and losses of a model that has none."""
    check_vocabulary(loaded.tokenizer, token_embedding(loaded.model).weight.shape[0])
    if not options.end_to_end:
        return
    if bidirectional:
        refuse_bidirectional(loaded.model)
    require_head(loaded.model, name, ())


def _tell_differences(plan: Plan, options: Options, watcher: Watcher) -> None:
    """Of what runs otherwise than the numbers here assume."""
    if options.stream:
        watcher.note("memory is told of a run that holds all layers, and --stream holds two.")
    if options.shard is not None:
        calibration, others = by_split(plan.batches)
        own = len(calibration) + len(options.share.take(others))
        watcher.note(
            f"batches and time are told of the whole run; shard {options.shard} runs {own:,}."
        )


def _run(
    loaded: Loaded, plan: Plan, options: Options, watcher: Watcher
) -> tuple[Anatomy, Passes] | None:
    """The sites, and passes of shapes; None where a pass takes values that only weights give."""
    try:
        anatomy = find_sites(loaded.model, has_values=False, profile=options.profile)
        require(anatomy.missing, allow_partial=options.allow_partial)
        return anatomy, Passes.of(loaded.model, anatomy, plan)
    except Exception as error:  # of many classes: whatever an operation has no shapes for
        if isinstance(error, HubmaxactError) and not isinstance(error, ForwardPassError):
            raise
        watcher.note(
            "sites, and what follows from them, are found by a first pass: shapes alone stop at "
            f"{type(error).__name__}: {reason(error)}."
        )
        return None
