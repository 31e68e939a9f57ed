"""The index that is being shown, kept fresh in the background and swapped in whole.

Whatever goes wrong with a newer index, the last good one stays, and the reason is one sentence.
Knows nothing of HTTP, and of the place an index comes from only what `Source` says.
"""

import logging
import threading
from datetime import UTC, datetime
from typing import NamedTuple

from index_copies import IndexCopy, Source, said
from responses import Responses

from hubmaxact.errors import HubmaxactError
from hubmaxact.page.page_data import PageData
from hubmaxact.printable import printable

LOG = logging.getLogger("hubmaxact.space")
RETRY_SECONDS = 30.0  # while there is nothing to show yet
LONGEST_REASON = 400
AT_START = "The index is still being read. Try again in a moment."


class Failure(NamedTuple):
    """Since when (ISO 8601) there is no newer index, and why."""

    since: str
    reason: str


class LiveIndex:
    """Responses from the newest good copy of an index. May be read by many threads."""

    def __init__(self, source: Source, *, refresh_seconds: float) -> None:
        self._source = source
        self._pause = refresh_seconds
        self._copy: IndexCopy | None = None
        self._failure: Failure | None = None
        self._stopping = threading.Event()
        self._tried = threading.Event()
        self._thread = threading.Thread(target=self._keep_fresh, name="refresh", daemon=True)
        self.responses: Responses | None = None

    @property
    def problem(self) -> str | None:
        """What is wrong, in one sentence; None if what is shown is the newest there is."""
        failure = self._failure  # once: the other thread may be replacing it
        if failure is None:
            return None if self.responses else AT_START
        if self.responses is None:
            return f"There is no index to show yet, and it is asked for again: {failure.reason}"
        return (
            f"The index could not be refreshed since {failure.since}, "
            f"so this is the last good copy: {failure.reason}"
        )

    def start(self) -> None:
        """Begin reading, and reading again, until `stop`."""
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Let the first try end, if it takes no longer."""
        self._tried.wait(seconds)

    def stop(self) -> None:
        """End; what is being read at this moment is left to the end of the process."""
        self._stopping.set()

    def refresh(self) -> None:
        """Try once to show what the source holds now."""
        try:
            if copy := self._source.newest(self._copy):
                self._show(copy)
                self._source.keep(copy)
            self._failure = None
        except HubmaxactError as error:
            self._failed(str(error))
        except Exception:  # a bug must not end the refreshing, and its traceback must be seen
            LOG.exception("refreshing the index failed")
            self._failed("an error in this program, which its log describes.")

    def _keep_fresh(self) -> None:
        self._show_kept()
        while not self._stopping.is_set():
            self.refresh()
            self._tried.set()
            pause = self._pause if self.responses else min(self._pause, RETRY_SECONDS)
            self._stopping.wait(pause)

    def _show_kept(self) -> None:
        """Show the last good copy of an earlier run while the source is asked for a newer one."""
        if copy := self._source.kept():
            try:
                self._show(copy)
            except HubmaxactError as error:
                LOG.warning("The kept copy cannot be shown: %s", error)
            else:
                self._tried.set()

    def _show(self, copy: IndexCopy) -> None:
        page_data = PageData.of(copy.index, origin=copy.origin, built=copy.built)
        self.responses = Responses(page_data)
        self._copy = copy

    def _failed(self, words: str) -> None:
        before, reason = self._failure, printable(words, LONGEST_REASON)
        if before is None or before.reason != reason:
            LOG.warning("The index could not be refreshed: %s", reason)
        self._failure = Failure(before.since if before else said(datetime.now(UTC)), reason)
