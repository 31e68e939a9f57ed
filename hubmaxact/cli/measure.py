"""`hubmaxact measure`: options in, report out; progress on stderr, the summary on stdout."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hubmaxact.cli.format_name import FormatName
from hubmaxact.cli.report_options import report_options
from hubmaxact.measurement.options import (
    DEVICE_MAPS,
    DTYPES,
    FORMAT_ERRORS,
    PRODUCTS,
    PROFILES,
    SPECIAL_TOKENS,
)

if TYPE_CHECKING:
    from hubmaxact.measurement.distributed.group import Group
    from hubmaxact.measurement.options import Options

POSITIVE = click.IntRange(min=1)
NOT_NEGATIVE = click.IntRange(min=0)


class BudgetType(click.ParamType[int | str]):
    """A positive number of tokens, or "auto"."""

    name = "tokens|auto"

    def convert(self, value: Any, param: Any, ctx: Any) -> int | str:
        """Read the option's value."""
        return "auto" if value == "auto" else POSITIVE.convert(value, param, ctx)


class FormatErrors(click.Choice[str]):
    """A choice whose words are joined by hyphens here and by underscores elsewhere."""

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """Read the option's value."""
        return super().convert(value, param, ctx).replace("-", "_")


@click.command()
@click.argument("checkpoint")
@click.option("--revision", help="Branch, tag or commit of a Hub repository; resolved first.")
@click.option("--model-id", help="Hub id to record for a local folder, as owner/name.")
@click.option(
    "--base",
    metavar="FOLDER|OWNER/NAME[@REVISION]",
    help="What a LoRA adapter is merged into.  [default: what it names itself]",
)
@report_options
@click.option("--preset", type=click.Choice(["paper"]), help="The choices of arXiv:2605.15572.")
@click.option("--corpus", help="Name, FILE.jsonl[.gz], or hf://datasets/...  [default: probe-5k]")
@click.option("--num-samples", type=POSITIVE, help="Texts to measure with.  [default: all]")
@click.option("--max-seq-len", type=POSITIVE, help="Tokens per text at most.  [default: 4096]")
@click.option(
    "--batch-tokens",
    type=BudgetType(),
    help="Tokens per batch, padding included, or auto.  [default: 16384]",
)
@click.option(
    "--special-tokens",
    type=click.Choice(SPECIAL_TOKENS),
    help="Around each text.  [default: as_tokenizer]",
)
@click.option(
    "--dtype",
    type=FormatName(DTYPES),
    help="Of the forward pass; also bf16, fp16, fp32.  [default: auto]",
)
@click.option("--device", help="auto, cpu, cuda, cuda:1, mps, ...  [default: auto]")
@click.option(
    "--device-map",
    type=click.Choice(DEVICE_MAPS),
    help="Spread the model over devices, through accelerate; takes the place of --device.",
)
@click.option(
    "--stream",
    is_flag=True,
    help="Load one layer at a time, for a checkpoint larger than memory; the same report.",
)
@click.option("--calibration-samples", type=NOT_NEGATIVE, help="[default: 128]")
@click.option("--evaluation-samples", type=NOT_NEGATIVE, help="[default: 256]")
@click.option(
    "--cpu-threads", type=POSITIVE, help="Recorded, because bits depend on it.  [default: 2]"
)
@click.option(
    "--products",
    type=click.Choice(PRODUCTS),
    help="Of bf16 and fp16 models: torch's own, or made in float32 and rounded once; auto: float32 "
    "on a CPU without instructions for the format.  [default: auto]",
)
@click.option(
    "--profile",
    type=click.Choice(PROFILES),
    help="What is watched: the paper's roles, or also what deployed kernels see: inputs of linear "
    "maps and experts, keys and values, residual updates.  [default: deployment]",
)
@click.option(
    "--format-errors",
    type=FormatErrors([name.replace("_", "-") for name in FORMAT_ERRORS]),
    help="Under profile deployment, errors of rounding to all formats, or to those with one scale "
    "for a tensor alone, which cost the pass nothing.  [default: all]",
)
@click.option(
    "--end-to-end",
    metavar="FORMAT[,FORMAT...]",
    multiple=True,
    help="Run the evaluation texts again with rounding really applied, and tell the loss: "
    "[linear_inputs:|kv:|residual:]FORMAT[/GRANULARITY[/POLICY]], such as int8/per_token or "
    "kv:float8_e4m3fn/unscaled. Needs --profile deployment.",
)
@click.option(
    "--simulate-activations",
    is_flag=True,
    help="Round what each quantized linear map reads as the checkpoint's config.json says that a "
    "server rounds it: simulated, another protocol.",
)
@click.option(
    "--trust-remote-code",
    is_flag=True,
    help="Where transformers has no class of its own, run the code that the checkpoint brings "
    "along, in a process without network, token and your files. Needs a full commit hash as "
    "--revision.",
)
@click.option(
    "--shard",
    metavar="I/N",
    help="Run only that part of the batches, I from 0 to N - 1, and write a shard to --output; "
    "`hubmaxact merge` makes a report of all N.",
)
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that keeps what was seen so far: the same command goes on from there after it "
    "was stopped or killed.",
)
@click.option("--allow-partial", is_flag=True, help="Report what can be measured; say what cannot.")
@click.option("--timings", is_flag=True, help="Say at the end what each stage took.")
@click.option("--plan", is_flag=True, help="Only say what a run will read, hold and take.")
def measure(
    checkpoint: str,
    revision: str | None,
    model_id: str | None,
    base: str | None,
    output: Path | None,
    write_into: Path | None,
    preset: str | None,
    trust_remote_code: bool,
    timings: bool,
    plan: bool,
    **chosen: Any,
) -> None:
    """Measure CHECKPOINT, a local folder or a Hub id, and write activation_maxima.json.

    A LoRA adapter is measured merged into its base.
    """
    options = _options(preset, chosen)
    if options.shard is not None and not plan and (output is None or write_into is not None):
        raise click.UsageError("--shard writes a part of a run: give --output FILE alone.")
    if plan and trust_remote_code:
        raise click.UsageError("--plan runs nobody's code; leave --trust-remote-code out.")
    named: dict[str, Any] = {"revision": revision, "model_id": model_id, "base": base}
    from hubmaxact.measurement.distributed.group_here import group_here

    with group_here() as group:
        if group.rank == 0 and plan:
            _plan(checkpoint, options, named, timings=timings)
        elif group.rank == 0:
            named |= {"trust_remote_code": trust_remote_code}
            _measure(checkpoint, options, named, group, output, write_into, timings=timings)
        elif not plan:
            named |= {"trust_remote_code": trust_remote_code}
            _take_part(checkpoint, options, named, group)


def _measure(
    checkpoint: str,
    options: "Options",
    named: dict[str, Any],
    group: "Group",
    output: Path | None,
    write_into: Path | None,
    *,
    timings: bool,
) -> None:
    """Measure, alone or with others that take part, and say and write what comes of it."""
    from hubmaxact.cli.measure_progress import RichWatcher
    from hubmaxact.cli.placed_report import Places
    from hubmaxact.cli.progress_bar import console
    from hubmaxact.cli.shard_file import check_shard, write_shard
    from hubmaxact.cli.stopped_run import told_how_to_go_on
    from hubmaxact.measurement import run
    from hubmaxact.measurement.distributed.launched import left_alone
    from hubmaxact.report.roles import DEPLOYMENT

    places = Places(output, write_into, checkpoint)
    shard_to = None if options.shard is None else output
    if shard_to is not None:
        check_shard(shard_to)
    else:
        places.check(with_sidecars=options.profile == DEPLOYMENT)
    with (
        RichWatcher(None if shard_to is not None else places.check_room) as watcher,
        told_how_to_go_on(options.state_dir),
        run.measuring(checkpoint, options, **named, watcher=watcher, group=group) as measured,
    ):
        from hubmaxact.measurement.assembly.report import Measured

        watcher.end()
        watcher.times.begin("Writing the report")
        if isinstance(measured, Measured):
            places.put(measured, second=options.state_dir)
        elif measured is not None and shard_to is not None:
            write_shard(measured, shard_to)
    if said := left_alone():
        watcher.note(said)
    if timings:
        watcher.times.show(console(stderr=True))


def _take_part(checkpoint: str, options: "Options", named: dict[str, Any], group: "Group") -> None:
    """Measure with others, of whom another one says and writes what comes of it."""
    from hubmaxact.cli.stopped_run import told_how_to_go_on
    from hubmaxact.measurement import run
    from hubmaxact.measurement.distributed.silence import be_silent

    be_silent()
    with (
        told_how_to_go_on(options.state_dir),
        run.measuring(checkpoint, options, **named, group=group),
    ):
        pass


def _plan(checkpoint: str, options: "Options", named: dict[str, Any], *, timings: bool) -> None:
    """Say what a run will do; no weight is loaded, and nothing is written."""
    from hubmaxact.cli import forecast_table
    from hubmaxact.cli.measure_progress import RichWatcher
    from hubmaxact.cli.progress_bar import console
    from hubmaxact.measurement.forecast.forecast import foresee

    with RichWatcher() as watcher:
        told = foresee(checkpoint, options, **named, watcher=watcher)
    forecast_table.show(told, console(stderr=False))
    if timings:
        watcher.times.show(console(stderr=True))


def _options(preset: str | None, chosen: dict[str, Any]) -> "Options":
    """Defaults, then the preset, then what the user said."""
    from hubmaxact.measurement.options import PAPER, Options

    # Flags that were not given are False; a number may well be 0.
    said = {n: v for n, v in chosen.items() if v is not None and v is not False and v != ()}
    if said.get("batch_tokens") == "auto":
        said["batch_tokens"] = None
    return Options(**{**(PAPER if preset == "paper" else {}), **said})
