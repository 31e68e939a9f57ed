"""Progress of an audit on stderr."""

from hubmaxact.cli.progress_bar import Bar
from hubmaxact.shipped_scales.watcher import Watcher


class AuditProgress(Bar, Watcher):
    """Shows an audit to a person."""

    def __init__(self) -> None:
        super().__init__("Reading", "part", "parts")
