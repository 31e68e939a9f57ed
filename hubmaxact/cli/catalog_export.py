"""`hubmaxact catalog export`: the comparison page over a catalog, as plain files."""

import shlex
from pathlib import Path

import click

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("directory", metavar="DIR", type=PATH)
@click.option(
    "--index",
    "folder",
    default=Path("catalog"),
    show_default=True,
    metavar="FOLDER",
    type=PATH,
    help="Folder of the catalog, as `catalog build --output` wrote it.",
)
def export(directory: Path, folder: Path) -> None:
    """Write the comparison page and its data into DIR, for any web server or a static Space.

    DIR is made if need be; an earlier export in it is replaced, and a folder with other files is
    refused. Prints the path of the page.
    """
    from hubmaxact.page import export as exporting
    from hubmaxact.page.from_folder import page_data_of
    from hubmaxact.rendering import numbers

    data = page_data_of(folder)
    done = exporting.export(data, directory)
    click.echo(
        f"{numbers.count(len(data.rows), 'release')} in {numbers.count(done.num_files, 'file')}, "
        f"{done.size / 1e6:,.1f} MB. "
        f"Look at it with: python -m http.server --directory {shlex.quote(str(directory))}",
        err=True,
    )
    click.echo(str(directory / "index.html"))
