"""What a run will read, hold and take, from config, headers and texts alone.

Nothing is loaded and nothing written: the model is built of shapes (torch's FakeTensorMode), its
sites are found by running shapes through it, and batches are planned as the run plans them. The
weights' bytes are every parameter and buffer of the model, once, in the format it is loaded in;
other formulas stand in `cost`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hubmaxact.errors import ForwardPassError, HubmaxactError
from hubmaxact.measurement import libraries
from hubmaxact.measurement.batch_plan import LARGEST_BUDGET, Plan, by_split
from hubmaxact.measurement.forecast.expanded import Quantized, expansion
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.prepare import (
    plan_for,
    read_corpus,
    require,
    require_simulation,
)
from hubmaxact.measurement.source_with_base import describe_with_base
from hubmaxact.measurement.watcher import Watcher

if TYPE_CHECKING:
    from hubmaxact.measurement.anatomy.site import Anatomy
    from hubmaxact.measurement.checkpoint.load import Loaded
    from hubmaxact.measurement.forecast.cost import Cost
    from hubmaxact.measurement.forecast.shape_pass import Passes


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a run will do; bytes by the formulas there."""

    name: str  # of the checkpoint, as sentences call it
    commit: str | None  # None: a local folder
    base: str | None  # what it is merged into, likewise, if it is an adapter
    base_commit: str | None
    num_parameters: int
    num_layers: int  # by the configuration
    num_texts: int
    num_tokens: int
    num_batches: int
    batch_tokens: int  # most of a batch
    is_automatic: bool  # that budget is the first of those a run tries
    batch_plan_digest: str
    num_passes_again: int  # over the evaluation split, with rounding and once without; 0: none
    num_batches_again: int  # of each of these
    dtype: str
    device: str
    weight_bytes: int
    bytes_to_fetch: int  # of weights that are on the Hub and not here yet
    quantized: Quantized | None  # None: weights are stored as they are used
    cost: "Cost | None"  # None: only a pass with values can find the sites


def foresee(
    checkpoint: str | Path,
    options: Options | None = None,
    *,
    revision: str | None = None,
    model_id: str | None = None,
    base: str | Path | None = None,
    watcher: Watcher | None = None,
) -> Forecast:
    """Tell what `measure` would do with the same arguments; no weight is read or fetched.

    Args:
        checkpoint: As `measure`; of a Hub id, headers of the weights are read by range, and the
            small files beside them go to the Hub's cache.
        options: As `measure`.
        revision: As `measure`.
        model_id: As `measure`.
        base: As `measure`.
        watcher: Hears of stages.

    Returns:
        Numbers; those of batches are exactly the run's.

    Raises:
        HubmaxactError: As `measure`, as far as it is seen without weights.
    """
    libraries.require()
    options, watcher = options or Options(), watcher or Watcher()
    source, files = describe_with_base(checkpoint, revision=revision, model_id=model_id, base=base)
    require_simulation(files, options)
    corpus = read_corpus(options, watcher)
    from hubmaxact.measurement.anatomy.decoder_stack import find_stack, token_embedding
    from hubmaxact.measurement.anatomy.direction import claims_causal
    from hubmaxact.measurement.checkpoint.shapes import load_shapes
    from hubmaxact.measurement.encoding.checked import encoded, encoding_of
    from hubmaxact.measurement.encoding.tokenization import check_vocabulary
    from hubmaxact.measurement.end_to_end.head import refuse_bidirectional, require_head
    from hubmaxact.measurement.forecast.cost import cost_of, num_passes_again
    from hubmaxact.measurement.forecast.shapes_mode import Shapes

    watcher.stage("Building the model without its weights")
    shapes = Shapes()
    with shapes.alone():
        loaded = load_shapes(
            files,
            dtype=options.dtype,
            device=options.device,
            attn_implementation=options.attn_implementation,
        )
    check_vocabulary(loaded.tokenizer, token_embedding(loaded.model).weight.shape[0])
    bidirectional = not claims_causal(find_stack(loaded.model))
    if options.end_to_end:
        if bidirectional:
            refuse_bidirectional(loaded.model)
        require_head(loaded.model, files.name, ())
    with encoding_of(corpus, options) as encoding:
        samples, _ = encoded(loaded, encoding, options, watcher)
    budget = options.batch_tokens or LARGEST_BUDGET
    plan = plan_for(samples, options, budget, bidirectional=bidirectional)
    if options.stream:
        watcher.note("memory is told of a run that holds all layers, and --stream holds two.")
    if options.shard is not None:
        calibration, others = by_split(plan.batches)
        own = len(calibration) + len(options.share.take(others))
        watcher.note(
            f"batches and time are told of the whole run; shard {options.shard} runs {own:,}."
        )
    watcher.stage("Running shapes and timing products")
    with shapes.alone():
        ran = _run(loaded, plan, options, watcher)
    cost = None if ran is None else cost_of(loaded, *ran, plan, samples.lengths, options)
    tensors = [*loaded.model.parameters(), *loaded.model.buffers()]
    return Forecast(
        name=files.places[0].name,
        commit=source.commit,
        base=files.name if source.base else None,
        base_commit=source.base.commit if source.base else None,
        num_parameters=sum(each.numel() for each in loaded.model.parameters()),
        num_layers=loaded.model.config.get_text_config(decoder=True).num_hidden_layers,
        num_texts=len(corpus.texts),
        num_tokens=sum(samples.lengths),
        num_batches=len(plan.batches),
        batch_tokens=budget,
        is_automatic=options.batch_tokens is None,
        batch_plan_digest=plan.digest,
        num_passes_again=num_passes_again(options),
        num_batches_again=len(plan.evaluation) if options.end_to_end else 0,
        dtype=loaded.dtype,
        device=str(tensors[0].device),
        weight_bytes=sum(each.numel() * each.element_size() for each in tensors),
        bytes_to_fetch=files.bytes_to_fetch,
        quantized=expansion(files, loaded.dtype),
        cost=cost,
    )


def _run(
    loaded: "Loaded", plan: Plan, options: Options, watcher: Watcher
) -> "tuple[Anatomy, Passes] | None":
    """The sites, and passes of shapes; None where a pass takes values that only weights give."""
    from hubmaxact.measurement.anatomy.find_sites import find_sites
    from hubmaxact.measurement.failures.own_error import reason
    from hubmaxact.measurement.forecast.shape_pass import Passes

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
