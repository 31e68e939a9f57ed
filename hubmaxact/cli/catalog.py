"""`hubmaxact catalog`: many reports as one table."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hubmaxact.cli.catalog_export import export
from hubmaxact.errors import HubmaxactError

if TYPE_CHECKING:
    from hubmaxact.catalog.build import Built
    from hubmaxact.catalog.manifest import Left

MOST_LEFT_OUT = 10


class WrongSourceError(HubmaxactError):
    """Raised when it is not clear where reports are to be read."""


@click.group()
def catalog() -> None:
    """Collect many reports into one table for comparison."""


catalog.add_command(export)


@catalog.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--from-hub", is_flag=True, help="Read the Hub's public model repositories.")
@click.option("--tag", default="activation-maxima", show_default=True, help="Tag to list by.")
@click.option(
    "--per-namespace",
    default=1000,
    show_default=True,
    type=click.IntRange(min=1),
    help="Repositories of one user or organization, the oldest first.",
)
@click.option("--no-paper", is_flag=True, help="Leave out the checkpoints that the paper reports.")
@click.option(
    "--output", required=True, type=click.Path(path_type=Path), help="Folder of the catalog."
)
def build(
    folder: Path | None,
    *,
    from_hub: bool,
    tag: str,
    per_namespace: int,
    no_paper: bool,
    output: Path,
) -> None:
    """Index every report below FOLDER, or of the Hub with --from-hub.

    Writes index.parquet and manifest.json. A report that cannot be read is left out, with the
    reason in the manifest; one that the Hub does not give keeps its row. Run again, it reads only
    what changed, and after a kill what was not yet read. Prints the table's path.
    """
    from hubmaxact.catalog.build import build_from_folder, build_from_hub
    from hubmaxact.catalog.store import INDEX
    from hubmaxact.cli.catalog_progress import BuildProgress

    if from_hub == (folder is not None):
        raise WrongSourceError("name a FOLDER of reports, or give --from-hub, and not both.")
    with BuildProgress() as watcher:
        if folder is not None:
            built = build_from_folder(folder, output, with_paper=not no_paper, watcher=watcher)
        else:
            built = build_from_hub(
                tag,
                output,
                per_namespace=per_namespace,
                with_paper=not no_paper,
                watcher=watcher,
            )
    _tell(built)
    click.echo(str(output / INDEX))


def _tell(built: "Built") -> None:
    """Say what is in the table and what is not, on stderr."""
    from hubmaxact.rendering import numbers

    manifest = built.manifest
    counts = manifest["counts"]
    trust = ", ".join(f"{number:,} {name}" for name, number in counts["trust"].items())
    measured = f"{counts['measured']:,} measured" + (f" ({trust})" if trust else "")
    click.echo(
        f"{numbers.count(manifest['index']['rows'], 'release')}: {measured}, "
        f"{counts['reported_by_the_paper']:,} reported by the paper; "
        f"{numbers.count(built.unchanged, 'source')} unchanged since the last build.",
        err=True,
    )
    _list("quarantined", manifest["quarantine"])
    _list("newer than this index", manifest["newer"])
    _list("kept from the last build", manifest["kept"])
    _list("not read this time", manifest["unread"])
    for namespace, number in manifest["over_cap"].items():
        click.echo(f"not read, beyond the cap: {number:,} of {namespace}", err=True)
    if built.is_cut:
        click.echo(
            "The Hub's listing ended before it should, so releases may be missing that no build "
            "has read yet. Build again later.",
            err=True,
        )


def _list(what: str, left: "list[Left]") -> None:
    for each in left[:MOST_LEFT_OUT]:
        click.echo(f"{what}: {each['name']}: {each['reason']}", err=True)
    if len(left) > MOST_LEFT_OUT:
        click.echo(f"{what}: and {len(left) - MOST_LEFT_OUT:,} more; see manifest.json", err=True)
