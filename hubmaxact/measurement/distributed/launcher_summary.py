"""What torchrun's own summary of failed processes quotes, and which of them it calls the cause."""

import json
import os
from contextlib import suppress
from pathlib import Path

ERROR_FILE = "TORCHELASTIC_ERROR_FILE"


def write_summary(sentence: str, seconds: float) -> None:
    """Leave a sentence where torchrun looks for it; nothing is done without torchrun.

    Args:
        sentence: What happened, as torchrun will show it.
        seconds: When, since the epoch: it names the earliest as the cause.
    """
    extra = {"py_callstack": sentence, "timestamp": str(int(seconds))}
    told = {"message": {"message": sentence, "extraInfo": extra}}
    if path := os.environ.get(ERROR_FILE):
        with suppress(OSError):
            Path(path).write_text(json.dumps(told), encoding="utf-8")
