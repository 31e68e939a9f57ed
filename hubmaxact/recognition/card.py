"""What a model card says in its front matter of the model that this one was made from."""

from typing import Any

import yaml

from hubmaxact.errors import HubmaxactError
from hubmaxact.printable import printable
from hubmaxact.recognition.listing import Listing

CARD = "README.md"
MOST_READ = 100_000  # bytes; front matter is short, and YAML slow


def base_model(card: str) -> str | None:
    """Return `base_model` of the front matter, when it is one.

    Args:
        card: A README, whoever wrote it.

    Returns:
        What stands there, not yet checked. None: nothing, or more than one.
    """
    lines = card.lstrip("\ufeff").splitlines()
    if not lines or lines[0].strip() != "---" or "---" not in lines[1:]:
        return None
    try:
        front: Any = yaml.safe_load("\n".join(lines[1 : lines.index("---", 1)]))
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    found = front.get("base_model") if isinstance(front, dict) else None
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    return found if isinstance(found, str) else None


def origin(listing: Listing) -> str:
    """Return the base model of a place's card as the end of a sentence: ", NAME" or nothing."""
    if CARD not in listing.root:
        return ""
    try:
        found = base_model(listing.read(CARD)[:MOST_READ].decode("utf-8", "replace"))
    except HubmaxactError:  # a sentence does without it
        return ""
    return f", {printable(found)}" if found else ""
