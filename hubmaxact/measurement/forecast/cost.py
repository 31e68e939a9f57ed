"""What a run will hold, and the seconds it will take, from passes of shapes.

Bytes:

* one batch: the tensors of a pass that are alive at once, in the batch that has the most of them,
  and `BYTES_PER_VALUE` for each value of the largest watched tensor, which its statistics work
  with. A bound on what torch's tensors take; kernels' own scratch memory, the allocator's slack and
  a device's context come on top;
* statistics: what a recorder's state holds at the end (see `state_bytes`).

Seconds are an estimate: the operations of all batches' products over the speed of products of the
same shapes, and the values of watched tensors times what statistics take for one. Passes that run
the evaluation split again, rounded or not, add their products and those of the head. Loading,
hashing, rounding and whatever else a pass does come on top.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hubmaxact.measurement.anatomy.decoder_stack import token_embedding
from hubmaxact.measurement.anatomy.site import Anatomy
from hubmaxact.measurement.batch_plan import Plan
from hubmaxact.measurement.checkpoint.load import Loaded
from hubmaxact.measurement.execution.products import multiplying, products_for
from hubmaxact.measurement.forecast import speed
from hubmaxact.measurement.forecast.shape_pass import Passes
from hubmaxact.measurement.forecast.state_bytes import state_bytes
from hubmaxact.measurement.loops.cpu_threads import cpu_threads
from hubmaxact.measurement.options import Options

BYTES_PER_VALUE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What follows from the sites; bytes, and seconds by estimate."""

    num_sites: int
    batch_bytes: int
    statistics_bytes: int
    seconds: float


def cost_of(
    loaded: Loaded,
    anatomy: Anatomy,
    passes: Passes,
    plan: Plan,
    lengths: Sequence[int],
    options: Options,
) -> Cost:
    """Weigh the statistics, and time the device.

    Args:
        loaded: The model as shapes.
        anatomy: Its sites.
        passes: What passes of shapes showed.
        plan: All batches.
        lengths: Tokens of each text.
        options: What the run is told.

    Returns:
        Bytes and seconds by the formulas above.
    """
    weight, splits = token_embedding(loaded.model).weight, {batch.split for batch in plan.batches}
    products = speed.products_of(loaded.model, anatomy)
    made = products_for(options.products, loaded.dtype, loaded.model)
    with cpu_threads(options.cpu_threads), multiplying(made):
        rate = speed.operations_per_second(
            products, passes.widest.num_positions, weight.dtype, weight.device
        )
        of_value = speed.seconds_per_value(anatomy, weight.shape[1], weight.dtype, weight.device)
    operations = passes.operations(plan.batches) + num_passes_again(options) * (
        passes.operations(plan.evaluation)
        + 2 * weight.numel() * sum(lengths[s] for b in plan.evaluation for s in b.samples)
    )
    return Cost(
        num_sites=len(anatomy.sites),
        batch_bytes=passes.most_bytes(BYTES_PER_VALUE),
        statistics_bytes=state_bytes(
            anatomy,
            passes.widest,
            len(lengths),
            splits,
            format_errors=options.sums_format_errors,
        ),
        seconds=operations / rate + of_value * passes.values_per_token * sum(lengths),
    )


def num_passes_again(options: Options) -> int:
    """How often the evaluation split runs after the statistics are made.

    Args:
        options: What the run is told.

    Returns:
        Once for each way of rounding and once without; 0 where none was asked for.
    """
    return 1 + len(options.end_to_end) if options.end_to_end else 0
