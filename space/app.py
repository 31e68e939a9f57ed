"""The comparison page as a Space: `HUBMAXACT_INDEX=FOLDER_OR_DATA_SET python app.py`.

Wires the parts together, and ends when it is told to. Libraries are imported inside functions,
because they read the environment once, and it is made quiet and anonymous first.
"""

import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from index_copies import Source
    from settings import Settings

QUIET = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
NOT_NEEDED = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "GRADIO_ALLOWED_PATHS")
NEEDED = ("hubmaxact", "gradio", "pyarrow")
NOT_INSTALLED = 'which is not installed; run pip install "hubmaxact[space]".'
FIRST_TRY_SECONDS = 5.0
"""How long the start waits for the first index; after that, the page says that it is coming."""


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    if name := _missing():
        print(f"hubmaxact: the comparison page needs {name}, {NOT_INSTALLED}", file=sys.stderr)  # noqa: T201 the one sentence
        return 2
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    os.environ.update(QUIET)
    for name in NOT_NEEDED:
        os.environ.pop(name, None)
    from settings import read_settings

    from hubmaxact.errors import HubmaxactError

    try:
        settings = read_settings(os.environ)
    except HubmaxactError as error:
        print(f"hubmaxact: {error}", file=sys.stderr)  # noqa: T201 the one sentence
        return error.exit_code
    with _empty_place():
        _serve(settings, _told_to_end())
    return 0


def _missing() -> str | None:
    """The first library that is not there; each is imported late, deep inside."""
    return next((name for name in NEEDED if find_spec(name) is None), None)


def _serve(settings: "Settings", ending: threading.Event) -> None:
    from live_index import LiveIndex

    live = LiveIndex(_source(settings), refresh_seconds=settings.refresh_seconds)
    live.start()
    # Gradio takes seconds to import, in which the index is read.
    from api import endpoints, examples
    from routes import routes
    from server import ReadingServer

    server = ReadingServer(routes(live), endpoints(live), examples(live))
    live.wait(FIRST_TRY_SECONDS)
    blocks = server.open(settings.host)
    print(f"Serving {settings.index} at {blocks.local_url}", flush=True)  # noqa: T201 to click on
    ending.wait()
    live.stop()
    blocks.close(verbose=False)


def _source(settings: "Settings") -> "Source":
    from folder_source import FolderSource
    from hub_source import HubSource

    if isinstance(settings.index, Path):
        return FolderSource(settings.index)
    return HubSource(settings.index, settings.revision)


def _told_to_end() -> threading.Event:
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    return ending


@contextmanager
def _empty_place() -> Iterator[None]:
    """Run in a folder of its own, empty: Gradio may hand out files of the one it runs in."""
    with tempfile.TemporaryDirectory(prefix="hubmaxact-") as place:
        empty, scratch, before = Path(place, "empty"), Path(place, "gradio"), Path.cwd()
        empty.mkdir()
        os.environ["GRADIO_TEMP_DIR"] = str(scratch)
        os.chdir(empty)
        try:
            yield
        finally:
            os.chdir(before)


if __name__ == "__main__":
    sys.exit(main())
