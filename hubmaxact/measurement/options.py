"""What the user may choose; defaults are the command line's."""

from dataclasses import dataclass
from typing import Any

from hubmaxact.measurement.batch_plan import DEFAULT_BATCH_TOKENS


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user may choose; defaults are the command line's."""

    corpus: str = "probe-5k"
    num_samples: int | None = None
    max_seq_len: int = 4096
    batch_tokens: int | None = DEFAULT_BATCH_TOKENS  # None: chosen from the device's memory
    special_tokens: str = "as_tokenizer"
    dtype: str = "auto"
    device: str = "auto"
    device_map: str | None = None
    calibration_samples: int = 128
    evaluation_samples: int = 256
    allow_partial: bool = False
    cpu_threads: int = 2  # fixed and recorded: CPU bits depend on it
    attn_implementation: str | None = None  # None: the model's default


PAPER: dict[str, Any] = {
    "corpus": "paper",
    "num_samples": 5000,
    "max_seq_len": 32_768,
    "special_tokens": "none",
    "dtype": "bfloat16",
}
"""Preset `paper`: the choices of arXiv:2605.15572."""
