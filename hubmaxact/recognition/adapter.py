"""Adapters: what PEFT leaves, which is no model without its base."""

from collections.abc import Iterable

from hubmaxact.errors import HubmaxactError, NoCheckpointError
from hubmaxact.printable import printable
from hubmaxact.recognition.card import origin
from hubmaxact.recognition.listing import Listing
from hubmaxact.recognition.weights import ADAPTER, has_weights

CONFIG = "adapter_config.json"
PICKLE = "adapter_model.bin"
FILES = (CONFIG, ADAPTER, PICKLE)
"""The configuration first: it names the base."""

MERGE = "Merge it into its base first (merge_and_unload in PEFT), save that, and measure it."


class AdapterFoundError(NoCheckpointError):
    """Raised of an adapter with all its files; whoever can merge it catches this."""


def refuse_adapter(listing: Listing) -> None:
    """Refuse an adapter, and whole weights that transformers would load one over.

    Args:
        listing: A folder or a repository.

    Raises:
        AdapterFoundError: It is an adapter, and holds what merging needs.
        NoCheckpointError: It is one that does not, or whole weights; names the base model, where
            that is said.
    """
    if CONFIG in listing.root and has_weights(listing.root):
        raise NoCheckpointError(
            f"{listing.name} is an adapter{_of(listing, CONFIG)}, not a checkpoint: {CONFIG} lies "
            "beside whole weights, and transformers would load both. Remove it if they are merged."
        )
    found = [name for name in FILES if name in listing.root]
    if found and not has_weights(listing.root):
        raise _lone(listing, found)


def _lone(listing: Listing, found: list[str]) -> HubmaxactError:
    if found[:2] == [CONFIG, ADAPTER]:
        return AdapterFoundError(_sentence(listing, CONFIG, MERGE))
    if ADAPTER in found:
        lacks = f"It lacks {CONFIG}, which says how it is merged into its base."
        return listing.lacking(CONFIG, NoCheckpointError(_sentence(listing, ADAPTER, lacks)))
    if PICKLE in found:
        return NoCheckpointError(
            _sentence(
                listing,
                found[0],
                f"Its {PICKLE} is a pickle, which can run code when it is loaded: merge it in PEFT "
                "(merge_and_unload), save that, and measure it.",
            )
        )
    lacks = f"It lacks {ADAPTER}, so there is nothing to merge into its base."
    return listing.lacking(ADAPTER, NoCheckpointError(_sentence(listing, CONFIG, lacks)))


def adapters_inside(paths: Iterable[str]) -> list[str]:
    """Return files of adapters in inner folders, configurations first."""
    names = {name: place for place, name in enumerate(FILES)}
    found = [path for path in paths if path.rpartition("/")[2] in names]
    return sorted(found, key=lambda path: (names[path.rpartition("/")[2]], path))


def inner_adapter(listing: Listing, path: str) -> HubmaxactError:
    """Return the refusal of a place where an adapter lies in a folder, which a file shows."""
    return NoCheckpointError(
        _sentence(listing, path, listing.inner_advice(path.rpartition("/")[0]))
    )


def _sentence(listing: Listing, path: str, advice: str) -> str:
    where = f" (in {printable(path.rpartition('/')[0])})" if "/" in path else ""
    return f"{listing.name} is an adapter{_of(listing, path)}{where}, not a checkpoint. {advice}"


def _of(listing: Listing, path: str) -> str:
    """The adapter's base as words in a sentence, from its configuration or else from the card."""
    try:
        said = listing.json(path) if path.endswith(CONFIG) else {}
    except HubmaxactError:  # it is an adapter all the same
        said = {}
    named = said.get("base_model_name_or_path")
    base = printable(named) if isinstance(named, str) and named else origin(listing)[2:]
    return f" of {base}" if base else ""
