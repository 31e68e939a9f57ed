"""Which base an adapter is merged into: the one that the user names, or the one that it names."""

import os
import re
from pathlib import Path
from typing import NamedTuple

from hubmaxact.adapters.config import AdapterConfig
from hubmaxact.errors import AdapterError, HubmaxactError
from hubmaxact.printable import LONGEST_PATH, printable
from hubmaxact.recognition.listing import Listing

HUB_ID = re.compile(r"[\w.\-]{1,96}/[\w.\-]{1,96}", re.ASCII)
REVISION_MARK = "@"
GIVE = "Give the base with --base: its folder, or OWNER/NAME on the Hub."


class Base(NamedTuple):
    """A base: a folder, or a repository on the Hub, whatever lies here under its name."""

    checkpoint: str | Path
    revision: str | None = None
    is_asked: bool = True  # by the user

    def __str__(self) -> str:
        """How sentences call it."""
        revision = f" at {printable(self.revision)}" if self.revision else ""
        return f"{printable(str(self.checkpoint), LONGEST_PATH)}{revision}"


def base_of(listing: Listing, config: AdapterConfig, asked: str | Path | None) -> Base:
    """Choose the base.

    Args:
        listing: The adapter's folder or repository.
        config: Its configuration.
        asked: What the user named: a folder, or OWNER/NAME or OWNER/NAME@REVISION on the Hub.
            None: nothing.

    Returns:
        The base. A path in the configuration is never followed: a stranger wrote it.

    Raises:
        AdapterError: The user named none, and the configuration holds no Hub id.
    """
    if asked is not None:
        return _asked(asked, config)
    if config.base is None:
        raise AdapterError(
            f"{listing.name} is an adapter that does not say what it is merged into. {GIVE}"
        )
    if not is_hub_id(config.base):
        raise AdapterError(
            f"{listing.name} is an adapter, to be merged into {printable(config.base)}, which is "
            f"no Hub id but a path of the machine that it was made on. {GIVE}"
        )
    return Base(config.base, config.revision, is_asked=False)


def without_base(listing: Listing, base: Base, error: HubmaxactError) -> AdapterError:
    """Return the refusal of an adapter whose base cannot be had.

    Args:
        listing: The adapter's folder or repository.
        base: What was looked for.
        error: What was found instead.

    Returns:
        The error to raise.
    """
    advice = "" if base.is_asked else f" {GIVE}"
    return AdapterError(
        f"{listing.name} is an adapter of {base}, and cannot be merged into it: {error}{advice}"
    )


def is_hub_id(name: str) -> bool:
    """Whether a name may be a repository's, and is no path that starts at some folder."""
    return HUB_ID.fullmatch(name) is not None and not name.startswith((".", "-"))


def _asked(asked: str | Path, config: AdapterConfig) -> Base:
    if isinstance(asked, Path) or os.path.isdir(asked):  # noqa: PTH112 a name too long is none either
        return Base(Path(asked))
    name, _, revision = asked.partition(REVISION_MARK)
    same = name == config.base
    return Base(name, revision or (config.revision if same else None))
