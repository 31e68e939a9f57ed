"""HF_ENDPOINT as people set it by hand: refused in words before anything is asked of it.

Knows no client: huggingface_hub reads the variable when it is imported, and may fall over it then.
"""

import os
import re
from urllib.parse import urlsplit

from hubmaxact.errors import HubError

VARIABLE = "HF_ENDPOINT"
SCHEMES = ("http", "https")
NO_URL = re.compile(r"[\s\x00-\x1f\x7f\\<>\"{}|^`]")
BEGINNING = re.compile(r"^(?:[A-Za-z]*:/+|[A-Za-z]*//+|/+)")
PLAIN = re.compile(r"[A-Za-z0-9_.-]+(:[0-9]{1,5})?(/[A-Za-z0-9_./-]*)?")
LONGEST = 200  # characters


def check() -> None:
    """Refuse an endpoint that no request could go to.

    Raises:
        HubError: Names HF_ENDPOINT, its value, what is wrong with it, and how it may be meant.
    """
    value = os.environ.get(VARIABLE)
    if value is not None and (problem := _problem(value)):
        raise _refusal(value, problem)


def check_address() -> None:
    """Refuse an endpoint that huggingface_hub could not even be imported with.

    Raises:
        HubError: As `check`.
    """
    value = os.environ.get(VARIABLE, "")
    try:
        _ = urlsplit(value).port
    except ValueError as error:  # brackets, or a port that is no number
        raise _refusal(value, "is no address") from error


def _refusal(value: str, problem: str) -> HubError:
    shown = ascii(without_login(value)[:LONGEST])
    return HubError(
        f"{VARIABLE} is {shown}, which {problem}. {_advice(value)}, or unset it for "
        "https://huggingface.co."
    )


def without_login(url: str) -> str:
    """A URL without the name and the password that may stand in it.

    Args:
        url: Anybody's, sound or not.

    Returns:
        What may be shown.
    """
    scheme, mark, rest = url.partition("//") if "//" in url else ("", "", url)
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"


def path_of() -> str:
    """The path behind the host, where the endpoint has one: "" or "/hf"."""
    return urlsplit(os.environ.get(VARIABLE, "")).path.rstrip("/")


def _problem(value: str) -> str:
    """What is wrong with an endpoint; nothing where nothing is."""
    if not value.strip():
        return "is empty"
    if NO_URL.search(value):
        return "holds a space or another character that no address has"
    if "://" not in value:
        return "lacks https:// at its beginning"
    url = urlsplit(value)
    if url.scheme not in SCHEMES:
        return f"begins with {url.scheme or 'nothing'}://"
    if not url.hostname or url.port == 0:
        return "names no host"
    return "holds ? or #" if url.query or url.fragment else ""


def _advice(value: str) -> str:
    """How the endpoint may have been meant."""
    bare = without_login(BEGINNING.sub("", value.strip(" \t\r\n\"'"), count=1).rstrip("/"))
    meant = bare if PLAIN.fullmatch(bare) else "HOST"
    return f"Write it as https://{meant} (or http://, where there is no TLS)"
