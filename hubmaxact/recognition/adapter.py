"""Adapters: what PEFT leaves, which is no model without its base."""

from collections.abc import Iterable

from hubmaxact.errors import HubmaxactError, NoCheckpointError
from hubmaxact.printable import printable
from hubmaxact.recognition.card import origin
from hubmaxact.recognition.listing import Listing
from hubmaxact.recognition.weights import has_weights

CONFIG = "adapter_config.json"
FILES = (CONFIG, "adapter_model.safetensors", "adapter_model.bin")
"""The configuration first: it names the base."""


def refuse_adapter(listing: Listing) -> None:
    """Refuse an adapter, and whole weights that transformers would load one over.

    Args:
        listing: A folder or a repository.

    Raises:
        NoCheckpointError: Names the base model, where that is said.
    """
    if CONFIG in listing.root and has_weights(listing.root):
        raise NoCheckpointError(
            f"{listing.name} is an adapter{_of(listing, CONFIG)}, not a checkpoint: {CONFIG} lies "
            "beside whole weights, and transformers would load both. Remove it if they are merged."
        )
    found = [name for name in FILES if name in listing.root]
    if found and not has_weights(listing.root):
        raise adapter(listing, found[0])


def adapters_inside(paths: Iterable[str]) -> list[str]:
    """Return files of adapters in inner folders, configurations first."""
    names = {name: place for place, name in enumerate(FILES)}
    found = [path for path in paths if path.rpartition("/")[2] in names]
    return sorted(found, key=lambda path: (names[path.rpartition("/")[2]], path))


def adapter(listing: Listing, path: str) -> HubmaxactError:
    """Return the refusal of an adapter, which one of its files shows."""
    where = f" (in {printable(path.rpartition('/')[0])})" if "/" in path else ""
    return NoCheckpointError(
        f"{listing.name} is an adapter{_of(listing, path)}{where}, not a checkpoint. Merge it into "
        "its base first (merge_and_unload in PEFT), save that, and measure it."
    )


def _of(listing: Listing, path: str) -> str:
    """The adapter's base as words in a sentence, from its configuration or else from the card."""
    try:
        said = listing.json(path) if path.endswith(CONFIG) else {}
    except HubmaxactError:  # it is an adapter all the same
        said = {}
    named = said.get("base_model_name_or_path")
    base = printable(named) if isinstance(named, str) and named else origin(listing)[2:]
    return f" of {base}" if base else ""
