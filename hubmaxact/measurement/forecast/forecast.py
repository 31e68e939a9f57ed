"""What a run will read, hold and take, from config, headers and texts alone.

Nothing is loaded and nothing written: the model is built of shapes (torch's FakeTensorMode), its
sites are found by running shapes through it, and batches are planned as the run plans them. The
weights' bytes are every parameter and buffer of the model, once, in the format it is loaded in;
other formulas stand in `cost`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hubmaxact.measurement import libraries
from hubmaxact.measurement.forecast.expanded import Quantized, expansion
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.prepare import read_corpus, require_simulation
from hubmaxact.measurement.source_with_base import describe_with_base
from hubmaxact.measurement.watcher import Watcher

if TYPE_CHECKING:
    from hubmaxact.measurement.forecast.cost import Cost


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
    from hubmaxact.measurement.forecast.cost import num_passes_again
    from hubmaxact.measurement.forecast.shaped_run import shaped_run

    run = shaped_run(files, corpus, options, watcher)
    loaded, plan = run.loaded, run.plan
    tensors = [*loaded.model.parameters(), *loaded.model.buffers()]
    return Forecast(
        name=files.places[0].name,
        commit=source.commit,
        base=files.name if source.base else None,
        base_commit=source.base.commit if source.base else None,
        num_parameters=sum(each.numel() for each in loaded.model.parameters()),
        num_layers=loaded.model.config.get_text_config(decoder=True).num_hidden_layers,
        num_texts=len(corpus.texts),
        num_tokens=sum(run.samples.lengths),
        num_batches=len(plan.batches),
        batch_tokens=run.batch_tokens,
        is_automatic=options.batch_tokens is None,
        batch_plan_digest=plan.digest,
        num_passes_again=num_passes_again(options),
        num_batches_again=len(plan.evaluation) if options.end_to_end else 0,
        dtype=loaded.dtype,
        device=str(tensors[0].device),
        weight_bytes=sum(each.numel() * each.element_size() for each in tensors),
        bytes_to_fetch=files.bytes_to_fetch,
        quantized=expansion(files, loaded.dtype),
        cost=run.cost,
    )
