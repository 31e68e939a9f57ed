"""What a run may be told, each choice checked when it is made."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hubmaxact.errors import OptionsError
from hubmaxact.formats import full_name
from hubmaxact.measurement.asked_rounding import asked_roundings
from hubmaxact.measurement.batch_deal import WHOLE, Share
from hubmaxact.measurement.batch_plan import DEFAULT_BATCH_TOKENS

DTYPES = ("auto", "bfloat16", "float16", "float32")
SPECIAL_TOKENS = ("as_tokenizer", "none")
PRODUCTS = ("auto", "native", "float32")
DEPLOYMENT = "deployment"
PROFILES = ("paper", DEPLOYMENT)
FORMAT_ERRORS = ("all", "per_tensor")
DEVICE_MAPS = ("auto", "balanced", "balanced_low_0", "sequential")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run may be told; the defaults are the command line's.

    Reports are comparable when `corpus`, `num_samples`, `max_seq_len`, `special_tokens`, `dtype`,
    `simulate_activations` and the two numbers of INT8 samples were the same; the others move values
    by rounding only.

    Attributes:
        corpus: "probe-5k", "paper", the path of a file that ends in .jsonl or .jsonl.gz, or
            "hf://datasets/OWNER/NAME". The default is embedded: it needs no network.
        num_samples: Texts to measure with, from the first. None: all of them.
        max_seq_len: Tokens of a text at most, special tokens counted. Whatever is asked, a model
            is never run beyond the positions that it has.
        batch_tokens: Tokens in a batch at most, padding included. Fixed by default, because bits
            depend on it. None: as many as the device's memory holds, found by trying.
        special_tokens: "as_tokenizer": what the tokenizer adds by itself, as in use. "none":
            nothing, as in the paper.
        dtype: Number format of the forward pass: "bfloat16", "float16" or "float32", or a short
            name of it such as "bf16". "auto": the one that the weights are stored in, bfloat16
            where that is another.
        device: "cpu", "cuda", "cuda:1", "mps", ... "auto": an accelerator if there is one.
        device_map: Spreads the model over devices, through accelerate, in the place of `device`:
            "auto", "balanced", "balanced_low_0" or "sequential". None: one device.
        calibration_samples: Texts, from the first, that fix the INT8 thresholds; as in the paper.
        evaluation_samples: Texts after those, over which INT8 errors are summed; as in the paper.
        allow_partial: Whether to make a report although an expected tensor cannot be seen; the
            report names it. False, because a maximum over a part looks like one over the whole.
        cpu_threads: Threads of a run on the CPU. Fixed and recorded, because bits depend on it.
        products: How products of a bfloat16 or float16 model are made: "native", by torch's kernels
            for that format; "float32", in float32 and each result rounded once. "auto": in float32
            on a CPU without instructions for the format, where that is many times faster; else
            natively. Recorded, because bits depend on it.
        profile: What is watched. "paper": the roles of the paper, gates and routers. "deployment":
            also what deployed kernels see, which are inputs of linear maps and of experts, keys and
            values as cached, and what is added to the residual stream. M is the same.
        format_errors: What rounding errors of linear inputs are told of, under profile deployment.
            "per_tensor": of formats with one scale for a tensor, which cost nothing. "all": also of
            those with a scale for each token or block, which are summed in the pass.
        attn_implementation: Attention kernel, by transformers' name. None: the model's default.
        end_to_end: Formats whose effect on the loss is measured, rounding really applied: the
            evaluation split runs once more for each, and once without. Each is
            "[TARGET:]FORMAT[/GRANULARITY[/POLICY]]", the target "linear_inputs" (default), "kv" or
            "residual"; one string may hold several, parted by commas. Under profile "deployment"
            alone, which finds what is rounded; none: nothing runs again.
        simulate_activations: Whether the input of each quantized linear map is rounded as the
            checkpoint's own config.json says that a server rounds it, while the model runs. All
            that is measured is then of the simulated run, which is another protocol. Of quantized
            checkpoints alone, and not together with `end_to_end`.
        stream: Whether layers stay in their files and are loaded one at a time, for a checkpoint
            that is larger than memory. The report is the same to the last byte. On one device, with
            a fixed `batch_tokens`.
        shard: "I/N", I from 0: only that part of the batches runs, and makes a shard, which N of
            merge into a report. None: all of them run.
        state_dir: Folder that keeps what was seen so far, so that the same run goes on from there
            after it was stopped or killed. None: it would begin anew.

    Raises:
        OptionsError: A choice is none of those named above, or a number is too small.

    Source: the paper is arXiv:2605.15572.
    """

    corpus: str = "probe-5k"
    num_samples: int | None = None
    max_seq_len: int = 4096
    batch_tokens: int | None = DEFAULT_BATCH_TOKENS
    special_tokens: Literal["as_tokenizer", "none"] = "as_tokenizer"
    dtype: str = "auto"
    device: str = "auto"
    device_map: str | None = None
    calibration_samples: int = 128
    evaluation_samples: int = 256
    allow_partial: bool = False
    cpu_threads: int = 2
    products: Literal["auto", "native", "float32"] = "auto"
    profile: Literal["paper", "deployment"] = "deployment"
    format_errors: Literal["all", "per_tensor"] = "all"
    attn_implementation: str | None = None
    end_to_end: tuple[str, ...] | str = ()
    simulate_activations: bool = False
    stream: bool = False
    shard: str | None = None
    state_dir: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what the run would stumble over later; of a format, keep the name in reports."""
        _one_of("special_tokens", self.special_tokens, SPECIAL_TOKENS)
        object.__setattr__(self, "dtype", full_name(self.dtype))
        _one_of("dtype", self.dtype, DTYPES)
        _one_of("products", self.products, PRODUCTS)
        _one_of("profile", self.profile, PROFILES)
        _one_of("format_errors", self.format_errors, FORMAT_ERRORS)
        if self.device_map is not None:
            _one_of("device_map", self.device_map, DEVICE_MAPS)
        for name in ("num_samples", "max_seq_len", "batch_tokens", "cpu_threads"):
            _at_least(1, name, getattr(self, name))
        for name in ("calibration_samples", "evaluation_samples"):
            _at_least(0, name, getattr(self, name))
        asked = tuple(each.name for each in asked_roundings(self.end_to_end))
        object.__setattr__(self, "end_to_end", asked)
        if asked and self.profile != DEPLOYMENT:
            raise OptionsError(
                "end_to_end needs profile deployment, which finds what is rounded and its "
                "thresholds. Use --profile deployment."
            )
        if self.shard is not None:
            Share.parse(self.shard)
        self._refuse_parts()
        if asked and self.simulate_activations:
            raise OptionsError(
                "end_to_end compares the model's own losses with and without rounding, and "
                "simulate_activations rounds in both. Use one of them."
            )
        if self.stream:
            self._refuse_beside_stream()

    def _refuse_beside_stream(self) -> None:
        """Refuse what needs all layers in memory, or starts over."""
        for name, asked, why in (
            ("device_map", self.device_map is not None, "spreads layers over devices"),
            ("end_to_end", bool(self.end_to_end), "runs the whole model again and again"),
            ("batch_tokens auto", self.batch_tokens is None, "finds its budget by starting over"),
        ):
            if asked:
                raise OptionsError(
                    f"stream loads one layer at a time, and {name} {why}. Leave one of them out."
                )

    def _refuse_parts(self) -> None:
        """Refuse what only one undisturbed process does."""
        if self.end_to_end and self.shard is not None:
            raise OptionsError(
                "end_to_end runs the evaluation texts with thresholds of a whole run, of which "
                "shard sees a part. Use one of them."
            )
        for name in ("shard", "state_dir"):
            if self.batch_tokens is None and getattr(self, name) is not None:
                raise OptionsError(
                    f"batch_tokens auto finds a budget by starting over, and {name} needs one that "
                    "is the same each time. Name a number of tokens."
                )

    @property
    def share(self) -> Share:
        """Which part of the batches runs."""
        return WHOLE if self.shard is None else Share.parse(self.shard)

    @property
    def sums_format_errors(self) -> bool:
        """Whether errors of formats are summed in the pass."""
        return self.format_errors == "all" and self.profile == "deployment"


def _one_of(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise OptionsError(f"{name} must be one of {', '.join(choices)}, found {value!r}.")


def _at_least(least: int, name: str, value: int | None) -> None:
    if value is not None and value < least:
        raise OptionsError(f"{name} must be {least} or more, found {value}.")


PAPER: dict[str, Any] = {
    "corpus": "paper",
    "num_samples": 5000,
    "max_seq_len": 32_768,
    "special_tokens": "none",
    "dtype": "bfloat16",
    "profile": "paper",
}
"""Preset `paper`: the choices of arXiv:2605.15572."""
