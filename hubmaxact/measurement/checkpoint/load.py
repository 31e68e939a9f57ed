"""Loading a checked checkpoint with transformers: safetensors only, nothing random.

No code of its own runs here unless this process was made for it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import transformers

from hubmaxact.errors import DeviceError, HubmaxactError
from hubmaxact.measurement.checkpoint.asked_size import refuse_oversized
from hubmaxact.measurement.checkpoint.behind_layers import behind_layers
from hubmaxact.measurement.checkpoint.completeness import Settled, settle
from hubmaxact.measurement.checkpoint.lazy_state import lazy_state, one_by_one
from hubmaxact.measurement.checkpoint.memory_needed import shortage_told
from hubmaxact.measurement.checkpoint.merged_state import merged_state
from hubmaxact.measurement.checkpoint.model_config import ModelPlan, model_plan
from hubmaxact.measurement.checkpoint.not_built import not_built
from hubmaxact.measurement.checkpoint.own_code import code_left_aside, model_class
from hubmaxact.measurement.checkpoint.spilled import spill_folder
from hubmaxact.measurement.checkpoint.tokenizer import load_tokenizer
from hubmaxact.measurement.checkpoint.transformers_log import transformers_log
from hubmaxact.measurement.checkpoint.weight_files import STORED_AS, WeightFiles
from hubmaxact.measurement.dequantization.trial import told_of_torch
from hubmaxact.measurement.failures.memory import ran_out, says_ran_out
from hubmaxact.recognition.own_code import OwnCode
from hubmaxact.recognition.scaled_cache import scales_left_aside
from hubmaxact.report.model_block import LeftAside

DTYPES = {
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float32": torch.float32,
}
"""What a forward pass can run in."""

ACCELERATORS: dict[str, Callable[[], bool]] = {
    "cuda": torch.cuda.is_available,
    "mps": torch.backends.mps.is_available,
    "xpu": torch.xpu.is_available,
}
"""What `--device auto` prefers to the CPU, in this order."""

OnTokenizer = Callable[[transformers.PreTrainedTokenizerBase], None]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready to run, and its own tokenizer."""

    model: transformers.PreTrainedModel
    tokenizer: transformers.PreTrainedTokenizerBase
    dtype: str
    notes: tuple[str, ...] = ()  # what was not used, or only slowly, as sentences
    left_aside: tuple[LeftAside, ...] = ()  # tensors that are no part of the forward pass
    no_head: tuple[str, ...] = ()  # weights behind the decoder that the checkpoint does not hold
    code: OwnCode | None = None  # what of the checkpoint's own code was run


def load(
    files: WeightFiles,
    *,
    dtype: str = "auto",
    device: str = "auto",
    device_map: str | None = None,
    attn_implementation: str | None = None,
    code: OwnCode | None = None,
    state: dict[str, Any] | None = None,
    on_tokenizer: OnTokenizer | None = None,
) -> Loaded:
    """Load model and tokenizer from a checked folder.

    Args:
        files: What `inspect` found sound.
        dtype: Number format to run in: "bfloat16", "float16" or "float32". "auto": the one that the
            weights are stored in, bfloat16 where that is another.
        device: "cpu", "cuda", "cuda:1", "mps", ... "auto": an accelerator if there is one.
        device_map: Spreads the model over devices in the place of `device`. None: one device.
        attn_implementation: Attention kernel, by transformers' name. None: the model's default.
        code: What of the checkpoint's own code is run, which this process is made for. None:
            nothing.
        state: By name, what `opened_state` yields or what stands in its place. None: that itself.
        on_tokenizer: Gets the tokenizer before the weights load, to use it meanwhile. None: nobody.

    Returns:
        The model, ready to run, and its tokenizer.

    Raises:
        UnsafeCheckpointError: The architecture or quantization is not one transformers loads
            without custom code.
        IncompleteWeightsError: Weights are missing, unexpected or of another shape.
        DeviceError: There is no such device here.
        OutOfMemoryError: The weights do not fit the device.
    """
    silence_transformers()
    name = dtype_of(files, dtype)
    # One device by name gets each tensor straight from its file, without a copy of all on the host.
    place = device_map or device_of(device)
    options: dict[str, Any] = {"dtype": DTYPES[name], "device_map": place}
    if attn_implementation is not None:
        options["attn_implementation"] = attn_implementation
    doing, is_spread = f"{files.name} was loaded", device_map is not None
    streams = state is not None
    with shortage_told(files, name, doing, is_spread=is_spread, is_streamed=streams):
        model, tokenizer, settled = _model(files, options, code, state, on_tokenizer)
    scales = (scales_left_aside(files.name),) if files.scaled_cache else ()
    expanded = () if files.stored is None else told_of_torch(files.name)
    return Loaded(
        model,
        tokenizer,
        name,
        notes=(
            *code_left_aside(files, model, tokenizer, code),
            *scales,
            *expanded,
            *settled.sentences,
            *behind_layers(files, model),
        ),
        left_aside=settled.left_aside,
        no_head=settled.no_head,
        code=code,
    )


def silence_transformers() -> None:
    """What transformers would say of its own accord is checked and said here, in one sentence."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def dtype_of(files: WeightFiles, dtype: str) -> str:
    """The number format that weights are loaded in: the one asked for, or that of the files."""
    if dtype != "auto":
        return dtype
    # What a quantized release stores plainly says nothing of the rest.
    return STORED_AS.get(files.dtype, "bfloat16") if files.stored is None else "bfloat16"


def device_of(device: str) -> str:
    """Find the device asked for, or the best one there is.

    Args:
        device: "auto", or torch's name of one.

    Returns:
        Torch's name of a device that is here.

    Raises:
        DeviceError: There is no such device here.
    """
    available = [kind for kind, is_available in ACCELERATORS.items() if is_available()]
    available.append("cpu")
    if device == "auto":
        return available[0]
    if device == "cpu":  # always here, also where shapes stand for tensors
        return device
    try:
        torch.empty(1, device=device).item()  # meta has no values
    except (RuntimeError, AssertionError) as error:  # a build without CUDA asserts
        raise DeviceError(
            f"device {ascii(device)[:40]} cannot be used here. Use --device "
            f"{' or '.join(available)}."
        ) from error
    return device


@contextmanager
def opened_state(files: WeightFiles, *, mapped: bool = True) -> Iterator[dict[str, Any]]:
    """Open a checkpoint's weights, with its adapter merged if it has one.

    Args:
        files: What `inspect` found sound.
        mapped: As `lazy_state`.

    Yields:
        By the names of an unquantized release, what is made when it is placed; good while the block
        runs.
    """
    with lazy_state(files, mapped=mapped) as own, merged_state(files.adapter, own) as state:
        yield state


def _model(
    files: WeightFiles,
    options: dict[str, Any],
    code: OwnCode | None,
    state: dict[str, Any] | None,
    on_tokenizer: OnTokenizer | None,
) -> tuple[Any, transformers.PreTrainedTokenizerBase, Settled]:
    """The model, its tokenizer, and what of the checkpoint was left aside or is not there."""
    chosen = model_class(files.folder, files.config, code)
    order = nullcontext() if files.stored is None else one_by_one()
    with (
        transformers_log() as said,
        opened_state(files) if state is None else nullcontext(state) as held,
        spill_folder() as (folder, keep),
        order,
    ):
        try:
            refuse_oversized(files, chosen, options.get("attn_implementation"))
            plan = model_plan(files, chosen)
            tokenizer = load_tokenizer(files, code)
            if on_tokenizer is not None:
                on_tokenizer(tokenizer)
            model, info = _placed(plan, held, {"offload_folder": folder, **options})
        except HubmaxactError:
            raise
        except Exception as error:  # a damaged configuration shows as whatever it breaks first
            if ran_out(error):
                raise
            if says_ran_out(log := "\n".join(said)):
                raise MemoryError(log) from error
            raise not_built(files, error) from error
        keep(model)
    return model.eval(), tokenizer, settle(files, model, info)


def _placed(plan: ModelPlan, state: dict[str, Any], options: dict[str, Any]) -> tuple[Any, Any]:
    """The model with its weights, and what transformers says of the loading."""
    load_state: Any = plan.model_class.from_pretrained
    placed: tuple[Any, Any] = load_state(
        None,
        config=plan.config,
        state_dict=state,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # refused with the names, where transformers would only raise
        **options,
    )
    return placed
