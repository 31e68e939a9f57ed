"""`hubmaxact merge`: shards of one run in, its report out."""

from pathlib import Path

import click


@click.command()
@click.argument("shards", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Where to write the report; - is standard output.  "
    "[default: activation_maxima.json, unless --write-into]",
)
@click.option(
    "--write-into",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that gets the report, the picture and its README's section.",
)
def merge(shards: tuple[Path, ...], output: Path | None, write_into: Path | None) -> None:
    """Merge SHARDS, files that `measure --shard` wrote, into the report of their run.

    Their order does not matter; the report is that of one undisturbed process.
    """
    from hubmaxact.cli.measure_progress import RichWatcher
    from hubmaxact.cli.placed_report import Places
    from hubmaxact.measurement.run import merge_in_full

    places = Places(output, write_into)
    places.check(with_sidecars=True)
    with RichWatcher() as watcher:
        measured = merge_in_full(shards, watcher)
    places.put(measured)
