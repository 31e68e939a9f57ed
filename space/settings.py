"""What the environment asks of the Space: which index, how often it is read, where to listen.

Everything is checked here, once; nothing is opened and nobody is asked.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hubmaxact.errors import HubmaxactError
from hubmaxact.hub.repository import check_repo_id

INDEX = "HUBMAXACT_INDEX"
REVISION = "HUBMAXACT_INDEX_REVISION"
REFRESH = "HUBMAXACT_REFRESH_SECONDS"

REFRESH_SECONDS = 600.0
LONGEST_REFRESH = 86_400.0
SHORTEST_REFRESH = 0.05
NAME_OF_REVISION = re.compile(r"[\w.][\w./-]{0,199}", re.ASCII)


class SettingsError(HubmaxactError):
    """Raised when the environment does not say what to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the index lies (a folder here or a data set on the Hub), and how it is served."""

    index: Path | str
    revision: str
    refresh_seconds: float
    host: str


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings in the environment.

    Raises:
        SettingsError: no index is named, or a value cannot be used.
        HubError: the index is neither a folder nor the name of a data set.
    """
    return Settings(
        index=_index(environment.get(INDEX, "")),
        revision=_revision(environment.get(REVISION, "")),
        refresh_seconds=_seconds(environment.get(REFRESH, "")),
        host=_host(environment),
    )


def _index(named: str) -> Path | str:
    """A folder, or else a data set; a path that could be either is a folder if it is there."""
    if not named:
        raise SettingsError(
            f"{INDEX} is not set. Set it to a folder written by `hubmaxact catalog build`, "
            "or to a data set on the Hub, as org/name."
        )
    if named.startswith(("/", ".", "~")) or Path(named).is_dir():
        return Path(named).expanduser().absolute()
    if named.count("/") != 1:
        raise SettingsError(
            f"{INDEX} is {named!r}, which is neither a folder here nor a data set as org/name. "
            "Correct it."
        )
    check_repo_id(named)
    return named


def _revision(revision: str) -> str:
    if revision and not NAME_OF_REVISION.fullmatch(revision):
        raise SettingsError(f"{REVISION} is {revision!r}. Name a branch, a tag or a commit.")
    return revision or "main"


def _seconds(text: str) -> float:
    try:
        seconds = float(text) if text else REFRESH_SECONDS
    except ValueError:
        seconds = math.nan
    if not SHORTEST_REFRESH <= seconds <= LONGEST_REFRESH:
        raise SettingsError(
            f"{REFRESH} is {text!r}. Give a number of seconds up to {LONGEST_REFRESH:,.0f}."
        )
    return seconds


def _host(environment: Mapping[str, str]) -> str:
    """Loopback at home; every interface of the container in a Space."""
    at_home = "0.0.0.0" if environment.get("SPACE_ID") else "127.0.0.1"  # noqa: S104 the Space's proxy
    return environment.get("GRADIO_SERVER_NAME") or at_home
