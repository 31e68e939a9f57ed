"""Progress of a catalog's build on stderr."""

from hubmaxact.catalog.build import Watcher
from hubmaxact.cli.progress_bar import Bar


class BuildProgress(Bar, Watcher):
    """Shows a build to a person."""

    def __init__(self) -> None:
        super().__init__("Reading", "report", "reports")
