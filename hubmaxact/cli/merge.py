"""`hubmaxact merge`: shards of one run in, its report out."""

from pathlib import Path

import click

from hubmaxact.cli.report_options import report_options


@click.command()
@click.argument("shards", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@report_options
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
