"""A server's words in a sentence of ours: one line, nothing hidden in it, and never our token."""

import re
import unicodedata

from huggingface_hub import get_token

from hubmaxact.hub.client import CALL_ERRORS

MAX_DETAIL = 300
TOKEN = re.compile(r"\bhf_\w{4,}")


def clean(text: str) -> str:
    """One safe line of a server's words: no control or direction characters, no tokens, capped."""
    visible = (
        " " if unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else letter
        for letter in text[: 10 * MAX_DETAIL]
    )
    line = " ".join("".join(visible).split())
    if secret := token():
        line = line.replace(secret, "[token]")
    line = TOKEN.sub("[token]", line)
    return line if len(line) <= MAX_DETAIL else f"{line[:MAX_DETAIL]}..."


def ended(words: str) -> str:
    """Somebody's words as a sentence that ours can follow."""
    return words if words.endswith((".", "!", "?", ":")) or not words else f"{words}."


def token() -> str | None:
    """The token in use; None also where getting one is the very call that failed."""
    try:
        return get_token()
    except CALL_ERRORS:
        return None
