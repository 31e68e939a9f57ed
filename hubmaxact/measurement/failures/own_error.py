"""A model's own forward pass that raises, as one sentence: what it said, and what to try.

An error that our own hooks raise is a bug of ours and keeps its traceback.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

import torch
import transformers
from transformers import PreTrainedModel

from hubmaxact.errors import ForwardPassError, HubmaxactError
from hubmaxact.measurement.failures.memory import ran_out
from hubmaxact.printable import printable

PACKAGE = "hubmaxact."
MULTIPLY = tuple(
    f"hubmaxact.measurement.execution.{name}" for name in ("float32_products", "wide_pieces")
)
"""Modules that stand in for torch's own products, and raise what those would."""
NUMERIC = ("torch", "numpy")
LONGEST_REASON = 240  # characters


@dataclass(frozen=True, slots=True)
class Cause:
    """What a model's error tells of its cause, and what to do about it."""

    matches: Callable[[Exception, str], bool]  # the error, and what it says in small letters
    advice: str  # {dtype}, {attention}, {other}: how the model ran, and a dtype to try


def _says(pattern: str) -> Callable[[Exception, str], bool]:
    found = re.compile(pattern)
    return lambda _, said: bool(found.search(said))


CAUSES = (
    Cause(
        lambda error, _: isinstance(error, ImportError),
        "Install the package that it names, for this torch and this device.",
    ),
    Cause(
        _says(r"attention|attn|sdpa|flash|flex|scaled_dot"),
        "It ran with {attention} attention in {dtype}. Use --dtype {other}, or name another kernel "
        "(attn_implementation) in config.json, such as eager.",
    ),
    Cause(
        _says(r"dtype|scalar type|data type|bfloat16|half|float16|float32|not implemented for '"),
        "It ran in {dtype}. Use --dtype {other}.",
    ),
    Cause(
        _says(r"index out of range in self"),
        "A token's id or a position lies beyond one of its tables. Compare the sizes of "
        "vocabularies and positions in config.json with the released ones.",
    ),
    Cause(
        _says(r"cuda|cudnn|cublas|device|triton|mps|xpu|hip"),
        "It ran on {device}. Use --device cpu, or another build of torch.",
    ),
)
"""The first that fits is told."""

OTHERWISE = "Compare config.json with the released one, or use another transformers."


@contextmanager
def own_errors_told(model: PreTrainedModel) -> Iterator[None]:
    """Turn what the model's own forward pass raises into one sentence.

    Memory that runs out is left to the caller, who knows how much was asked for.

    Args:
        model: As it was loaded; the sentence says how it ran.

    Raises:
        ForwardPassError: Holds the model's own error.
    """
    try:
        yield
    except HubmaxactError:
        raise
    except Exception as error:  # a model may raise anything
        if ran_out(error) or _is_ours(error.__traceback__):
            raise
        raise ForwardPassError(_sentence(model, error)) from error


def _is_ours(trace: TracebackType | None) -> bool:
    """Whether one of our hooks raised, or called what raised in a library of numbers."""
    called, ours = False, False  # the model; the last frame below it that is not torch's or numpy's
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        if name in MULTIPLY or name.split(".", maxsplit=1)[0] in NUMERIC:
            called = True
        else:
            ours = called and name.startswith(PACKAGE)
        trace = trace.tb_next
    return ours


def _sentence(model: PreTrainedModel, error: Exception) -> str:
    dtype = _dtype(model)
    advice = next(
        (cause.advice for cause in CAUSES if cause.matches(error, str(error).lower())), OTHERWISE
    ).format(
        dtype=str(dtype).removeprefix("torch."),
        attention=printable(str(model.config._attn_implementation)),  # noqa: SLF001 its only record
        other="bfloat16" if dtype is torch.float32 else "float32",
        device=str(model.device),
    )
    return (
        f"the forward pass of {type(model).__name__} in transformers {transformers.__version__} "
        f"raised {type(error).__name__}: {reason(error)}. {advice}"
    )


def _dtype(model: PreTrainedModel) -> torch.dtype:
    """The format of most weights; a model may keep the first of them in another."""
    sizes: Counter[torch.dtype] = Counter()
    for weight in model.parameters():
        sizes[weight.dtype] += weight.numel()
    return sizes.most_common(1)[0][0]


def reason(error: Exception, longest: int = LONGEST_REASON) -> str:
    """What another library's error says, in one line that is safe to print.

    Args:
        error: Anything.
        longest: Characters at most.

    Returns:
        Its lines in one, without a full stop; the name of its class where it says nothing.
    """
    words = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return printable(words, longest)
