r"""What the statistics cost: a measuring run over a bare forward pass of the same batches.

    python benchmarks/overhead.py CHECKPOINT \
        [NUM_SAMPLES] [MAX_SEQ_LEN] [DEVICE] [DTYPE] [PROFILE] [REPETITIONS] \
        [FORMAT_ERRORS]

CHECKPOINT is a folder with weights, or one that holds a config.json alone: then a model with random
weights is made on the device, and texts are random ids of full length.

Three runs alternate, each from nothing to results on the host: the bare passes; `torch.aminmax` of
every watched tensor, which is the least that a statistic costs through hooks; and the measuring
run. All multiply as a run on this processor does. Each repetition has other ids at each position.
Prints the least and the largest time of all repetitions, and the ratio of the least ones.

PROFILE is paper or deployment; FORMAT_ERRORS is `all`, or `per_tensor` to leave out the errors of
formats with a scale for each token or block, as `measure --format-errors per_tensor` does.
"""

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import transformers
from torch import Tensor

from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.anatomy.seen_attention import Attended
from hubmaxact.measurement.anatomy.site import Anatomy, Site
from hubmaxact.measurement.anatomy.token_layout import Routed
from hubmaxact.measurement.batch_plan import Batch, Plan, plan_batches
from hubmaxact.measurement.execution.forward import Measurement, measure
from hubmaxact.measurement.execution.hooks import attach_hooks
from hubmaxact.measurement.execution.inputs import make_input
from hubmaxact.measurement.execution.products import multiplying, products_for
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.prepare import prepare
from hubmaxact.measurement.source import Source
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.report.roles import DEPLOYMENT, PAPER

Ids = Sequence[npt.NDArray[np.int32]]


@dataclass(frozen=True)
class Subject:
    """A model, where its statistics are taken, and the tokens of each text."""

    model: transformers.PreTrainedModel
    anatomy: Anatomy
    ids: Ids
    format_errors: bool  # whether a measuring run sums up those that need tokens whole

    def multiplying(self) -> AbstractContextManager[None]:
        """As a run on this processor multiplies."""
        dtype = str(self.model.dtype).removeprefix("torch.")
        return multiplying(products_for("auto", dtype, self.model))

    def plan(self, options: Options) -> Plan:
        """The batches of the default budget, so that two machines run the same ones."""
        assert options.batch_tokens
        return plan_batches(
            [len(ids) for ids in self.ids],
            calibration=options.calibration_samples,
            evaluation=options.evaluation_samples,
            batch_tokens=options.batch_tokens,
        )

    def measure(self, plan: Plan, ids: Ids, batches: Sequence[Batch] | None = None) -> Measurement:
        """The product's passes, over all batches or some."""
        return measure(
            self.model, self.anatomy, plan, ids, batches=batches, format_errors=self.format_errors
        )


class Extremes:
    """The least and the largest value of each site, and nothing else."""

    def __init__(self) -> None:
        self.by_site: dict[Site, list[Tensor]] = {}
        self.numbers: dict[Site, list[float]] = {}

    def tensor(self, site: Site, x: Tensor, routed: Routed | None) -> None:  # noqa: ARG002 a sink's
        """Take one tensor."""
        if x.is_cpu and x.numel():
            # Small tensors that stay would keep the heap from shrinking, by gigabytes in the end.
            self.numbers.setdefault(site, []).extend(map(float, torch.aminmax(x)))
        elif x.numel():
            self.by_site.setdefault(site, []).extend(torch.aminmax(x))

    def routing(self, layer: int, top_k_index: Tensor) -> None:
        """Take no notice."""

    def routed_rows(self, layer: int, x: Tensor, routed: Routed) -> None:
        """Take no notice."""

    def expert_input(self, site: Site, x: Tensor, top_k_index: Tensor) -> None:
        """Take no notice."""

    def cached(self, site: Site, x: Tensor) -> None:
        """Take no notice."""

    def attended(self, site: Site, seen: Attended) -> None:
        """Take no notice."""

    def logits(self, site: Site, logits: Tensor, mask: Tensor | None) -> None:
        """Take no notice."""

    def result(self) -> list[list[float]]:
        """The extremes, on the host."""
        on_device = [torch.stack(found).tolist() for found in self.by_site.values()]
        return on_device + list(self.numbers.values())


def loaded(checkpoint: Path, options: Options) -> Subject:
    """A checkpoint with its own tokenizer and the embedded corpus."""
    prepared = prepare(Source(checkpoint), options, Watcher())
    return Subject(
        prepared.loaded.model, prepared.anatomy, prepared.samples.ids, options.sums_format_errors
    )


def made(folder: Path, options: Options, num_samples: int) -> Subject:
    """A model of this configuration, its weights and texts drawn at random."""
    torch.manual_seed(0)
    config = transformers.AutoConfig.from_pretrained(folder)
    dtype = getattr(torch, "bfloat16" if options.dtype == "auto" else options.dtype)
    best = "cuda" if torch.cuda.is_available() else "cpu"
    with torch.device(best if options.device == "auto" else options.device):
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=dtype).eval()
    shape = (num_samples, options.max_seq_len)
    ids = np.random.default_rng(0).integers(config.vocab_size, size=shape).astype(np.int32)
    anatomy = find_sites(model, profile=options.profile)
    return Subject(model, anatomy, list(ids), options.sums_format_errors)


def bare(subject: Subject, plan: Plan, ids: Ids) -> None:
    """Only the forward passes."""
    owner = subject.model.get_submodule(subject.anatomy.owner)
    with subject.multiplying(), torch.inference_mode():
        for batch in plan.batches:
            ids_BL = make_input(batch, ids, subject.model.device).ids_BL
            owner(input_ids=ids_BL, use_cache=False)


def aminmax(subject: Subject, plan: Plan, ids: Ids) -> None:
    """The same passes, every watched tensor read once."""
    extremes = Extremes()
    with attach_hooks(subject.model, subject.anatomy, extremes):
        bare(subject, plan, ids)
    extremes.result()


def measured(subject: Subject, plan: Plan, ids: Ids) -> None:
    """The product's run, to the results of every site."""
    with subject.multiplying():
        run = subject.measure(plan, ids)
    run.recorder.result()  # behind the block, as in a run


RUNS = (bare, aminmax, measured)


def _first_ones(plan: Plan) -> list[Batch]:
    """The first batch of each split: what it takes is compiled then."""
    return list({batch.split: batch for batch in reversed(plan.batches)}.values())[::-1]


def timed(run: Callable[[], object], device: torch.device) -> float:
    """Seconds that a run takes, to the end of what it asked of the device."""
    start = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main(
    checkpoint: str,
    num_samples: str = "128",
    max_seq_len: str = "512",
    device: str = "auto",
    dtype: str = "auto",
    profile: str = "paper",
    repetitions: str = "5",
    format_errors: str = "all",
) -> None:
    """Measure and print."""
    folder = Path(checkpoint)
    options = Options(
        num_samples=int(num_samples),
        max_seq_len=int(max_seq_len),
        device=device,
        dtype=dtype,
        profile=DEPLOYMENT if profile == DEPLOYMENT else PAPER,
        format_errors=format_errors,  # type: ignore[arg-type]  # checked there
    )
    has_weights = any(folder.glob("*.safetensors"))
    subject = loaded(folder, options) if has_weights else made(folder, options, int(num_samples))
    plan, where = subject.plan(options), subject.model.device
    seconds: dict[str, list[float]] = {run.__name__: [] for run in RUNS}
    with subject.multiplying():
        subject.measure(plan, subject.ids, batches=_first_ones(plan))
    for repetition in range(int(repetitions)):
        ids = [np.roll(row, repetition) for row in subject.ids]
        for run in RUNS:
            spent = timed(lambda run=run, ids=ids: run(subject, plan, ids), where)  # type: ignore[misc]
            seconds[run.__name__].append(spent)
    tokens = sum(map(len, subject.ids))
    left_out = profile == DEPLOYMENT and not subject.format_errors
    errors = f", errors of formats: {format_errors}" if left_out else ""
    sites = f"{len(subject.anatomy.sites)} sites"
    print(f"{tokens:,} tokens, {sites}, {where}, {subject.model.dtype}{errors}")
    for name, spent_by_run in seconds.items():
        least, most = min(spent_by_run), max(spent_by_run)
        ratio = least / min(seconds["bare"])
        print(f"{name:<9}{least:8.3f} s, at most {most:.3f} s; {ratio:.3f} times bare")
    print(f"ratio {min(seconds['measured']) / min(seconds['bare']):.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
