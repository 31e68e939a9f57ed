"""The measuring run: every planned batch through the layers, every site into its statistics.

No lm_head, no cache, no attention mask: sequences are right-padded where the model is causal, so
padding never reaches a real token, and padded positions are excluded everywhere. An encoder's plan
pads nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from transformers import PreTrainedModel

from hubmaxact.errors import OutOfMemoryError
from hubmaxact.measurement.anatomy.decoder_stack import input_device, run_owner
from hubmaxact.measurement.anatomy.site import Anatomy, Missing, Site
from hubmaxact.measurement.batch_plan import Batch, Plan
from hubmaxact.measurement.execution.hooks import attach_hooks
from hubmaxact.measurement.execution.inputs import inputs_ahead
from hubmaxact.measurement.execution.kept_heap import keep_freed_memory
from hubmaxact.measurement.execution.recorder import Recorder
from hubmaxact.measurement.failures.memory import ran_out
from hubmaxact.measurement.failures.own_error import own_errors_told
from hubmaxact.printable import counted

Done = Callable[[tuple[Batch, ...]], None]


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one run saw."""

    anatomy: Anatomy
    plan: Plan
    recorder: Recorder

    @property
    def missing(self) -> tuple[Missing, ...]:
        """Sites that could not be watched, and sites that never fired."""
        fired, anatomy = self.recorder.fired, self.anatomy
        silent = [site for site in anatomy.sites if site not in fired]
        silent += [site for site, other in anatomy.same.items() if other not in fired]
        return (*anatomy.missing, *map(_never_fired, silent))

    @property
    def fired(self) -> tuple[Site, ...]:
        """Every site that a tensor was seen at, under each role that it plays, in site order."""
        fired = self.recorder.fired
        also = (site for site, other in self.anatomy.same.items() if other in fired)
        return tuple(sorted((*fired, *also), key=lambda site: site.order))


def _never_fired(site: Site) -> Missing:
    return Missing(
        role=site.role,
        layer=site.layer,
        part=site.part,
        module=site.module,
        reason="it never fired: no forward pass reached it",
    )


def measure(
    model: PreTrainedModel,
    anatomy: Anatomy,
    plan: Plan,
    ids: Sequence[npt.NDArray[np.int32]],
    *,
    batches: Sequence[Batch] | None = None,
    recorder: Recorder | None = None,
    format_errors: bool = True,
    changed: AbstractContextManager[object] | None = None,
    ends: bool = True,
    on_done: Done | None = None,
) -> Measurement:
    """Run the plan (or some of its batches) and fold in every tensor at the anatomy's sites.

    Args:
        model: The loaded checkpoint.
        anatomy: Its sites.
        plan: All batches, in the order of the samples' windows.
        ids: Token ids of every sample, shape (tokens,) each.
        batches: Those of the plan that are run; None: all.
        recorder: Goes on with what it has seen; None: a new one.
        format_errors: Whether a new recorder sums up what formats lose at linear inputs.
        changed: Entered behind the hooks that measure: what the model goes on with in the place of
            what they see. None: with that itself.
        ends: Whether nothing is folded in afterwards, so that results are made meanwhile.
        on_done: Called whenever the recorder holds some batches more, and none in part.

    Returns:
        What the recorder has seen, earlier batches included.

    Raises:
        ForwardPassError: The model's own forward pass raised.
        OutOfMemoryError: A batch does not fit the device; the message names a smaller budget.
    """
    owner = model.get_submodule(anatomy.owner)
    device = input_device(model.get_input_embeddings())
    if device.type == "cpu":
        keep_freed_memory()
    recorder = recorder or Recorder(anatomy, len(ids), format_errors=format_errors)
    chosen = plan.batches if batches is None else batches
    with (
        attach_hooks(model, anatomy, recorder),
        changed or nullcontext(),
        torch.inference_mode(),
        inputs_ahead(chosen, ids, device) as inputs,
    ):
        for batch in chosen:
            with batch_shortage_told(batch):
                recorder.input, recorder.is_last = next(inputs), ends and batch is chosen[-1]
                run_decoder(model, owner, recorder.input.ids_BL)
            if on_done is not None:
                on_done((batch,))
    return Measurement(anatomy, plan, recorder)


def run_decoder(model: PreTrainedModel, owner: nn.Module, ids_BL: torch.Tensor) -> Any:
    """Run a batch through the layers.

    Args:
        model: As it was loaded.
        owner: Its module that runs the layers.
        ids_BL: Token ids, padded.

    Returns:
        What the module puts out.

    Raises:
        ForwardPassError: The model's own forward pass raised.
    """
    with own_errors_told(model):
        return run_owner(owner, ids_BL)


@contextmanager
def batch_shortage_told(batch: Batch, *, can_spread: bool = True) -> Iterator[None]:
    """Turn an allocation that fails, in the model or in our own work, into a sentence.

    Args:
        batch: The one that runs.
        can_spread: Whether the same run may spread the model over devices.

    Raises:
        OutOfMemoryError: Names a smaller budget.
    """
    try:
        yield
    except Exception as error:  # of many classes, see there
        if not ran_out(error):
            raise
        told = _does_not_fit(len(batch.samples), batch.length, can_spread=can_spread)
        raise OutOfMemoryError(told) from error


def _does_not_fit(num_sequences: int, length: int, *, can_spread: bool) -> str:
    """A smaller budget; where a single sequence is too long, whatever else may help."""
    if num_sequences == 1:
        spread = ", --device-map auto to spread the model over the devices here,"
        advice = (
            f"Use --max-seq-len {max(1, length // 2)}{spread if can_spread else ''} "
            "or a larger device."
        )
    else:
        advice = f"Use --batch-tokens {max(length, num_sequences * length // 2)}."
    batch = f"{num_sequences} x {counted(length, 'token')}"
    return f"a batch of {batch} does not fit the device's memory. {advice}"
