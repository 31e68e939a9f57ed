"""`hubmaxact export`: a report as the files that engines and quantizers load."""

from pathlib import Path
from typing import Any

import click

from hubmaxact.engine_files.scale_conventions import CACHE_LIMITS, CONVENTIONS, NUMBER_FORMATS
from hubmaxact.engine_files.table import FORMATS, ROWS

FOLDER = click.Path(file_okay=False, path_type=Path)
GRANULARITIES = ("per_tensor", "per_head", "per_channel")
WIDTH = max(map(len, FORMATS)) + 2

HELP = "\n".join(f"{row.name:{WIDTH}}{row.what}" for row in ROWS)


@click.command(epilog=f"\b\nFormats:\n{HELP}")
@click.argument("file")
@click.option("--to", required=True, type=click.Choice(tuple(FORMATS)), help="See below.")
@click.option(
    "--output",
    type=click.Path(allow_dash=True, path_type=Path),
    help="Where to write it; - is standard output. A new folder for compressed-tensors-kv.",
)
@click.option(
    "--write-into", type=FOLDER, help="The measured checkpoint itself gets the scales of its cache."
)
@click.option(
    "--checkpoint",
    type=FOLDER,
    help="The measured checkpoint, whose weights compressed-tensors-kv links to; or any checkpoint "
    "of the model, whose names input-scales and ignore-list take.  [default: FILE, if a folder]",
)
@click.option(
    "--granularity",
    type=click.Choice(GRANULARITIES),
    help="Of a cache's scales.  [default: per_tensor]",
)
@click.option(
    "--tensor-parallel", type=click.IntRange(1, 1024), help="Ranks of the engine.  [default: 1]"
)
@click.option(
    "--cache-type",
    type=click.Choice(tuple(CACHE_LIMITS)),
    help="What ONNX Runtime keeps in its cache.  [default: int8]",
)
@click.option(
    "--convention",
    type=click.Choice(CONVENTIONS),
    help="Whose names input scales have.  [default: compressed-tensors]",
)
@click.option(
    "--number-format",
    type=click.Choice(NUMBER_FORMATS),
    help="What inputs are quantized to.  [default: fp8]",
)
@click.option(
    "--below-db",
    type=float,
    help="Modules whose input has a lower SQNR as it is rounded stay wide.  [default: 20]",
)
@click.option(
    "--rounding",
    metavar="FORMAT[/GRANULARITY[/POLICY]]",
    help="How that is, such as float8_e4m3fn/per_token; other ways than the default must have been "
    "measured.  [default: int8/per_tensor/max_abs]",
)
def export(
    file: str,
    to: str,
    output: Path | None,
    write_into: Path | None,
    checkpoint: Path | None,
    **choices: Any,
) -> None:
    """Write the report FILE as a file that an engine or a quantizer takes.

    FILE may also be a folder that holds activation_maxima.json, OWNER/NAME on the Hub, a URL there,
    or - for standard input.

    What a format wants and the report does not hold is refused by name. Every file says which
    report it came from. A file that no export made is not replaced. Prints the path. The page that
    compares many reports is written by `catalog export`.
    """
    from hubmaxact.engine_files import export as engine_files

    notes = engine_files.export(
        file, to, output, write_into=write_into, checkpoint=checkpoint, **choices
    )
    for note in notes:
        click.echo(note, err=True)
    if str(output) != "-":
        click.echo(str(output or write_into))
