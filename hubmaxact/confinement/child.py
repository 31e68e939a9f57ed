"""The inner side: a process that shuts itself off, does one job and tells what comes of it."""

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hubmaxact.confinement import messages
from hubmaxact.confinement.namespaces import shut_off
from hubmaxact.errors import HubmaxactError

Tell = Callable[..., None]
"""As `messages.write`, without the stream."""

Job = Callable[[dict[str, Any], Tell], None]
"""Does what is asked, and tells of it."""


def serve(job: Job) -> None:
    """Read what is asked from standard input, shut this process off, and do it.

    Standard output carries messages until then; whatever prints afterwards prints to nobody.

    Args:
        job: Gets what was asked; its modules may not start threads before.
    """
    asked = json.load(sys.stdin)
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as stream:

        def tell(kind: str, *values: Any, content: bytes = b"") -> None:
            messages.write(stream, kind, *values, content=content)

        nobody = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nobody, descriptor)
        places = asked["root"], asked["reads"], asked["copies"]
        try:
            shut_off(Path(places[0]), *(map(Path, paths) for paths in places[1:]))
        except OSError as error:
            tell("refused", str(error.strerror or error))
            return
        tell("confined")
        _do(job, asked["job"], tell)


def _do(job: Job, asked: dict[str, Any], tell: Tell) -> None:
    """Do it; whatever strangers' code raises is told as one sentence."""
    try:
        job(asked, tell)
        tell("done")
    except HubmaxactError as error:
        tell("error", str(error), traceback.format_exc())
    except MemoryError:
        tell("error", "memory ran out. Free some, or use a machine that has more.", "")
    except Exception as error:  # noqa: BLE001 code of strangers may raise anything, anywhere
        words = " ".join(str(error).split()) or "it says nothing more"
        tell("error", f"{type(error).__name__}: {words}", traceback.format_exc())
