"""Small tensors read from large files: those that lie close together in one piece."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.printable import printable
from hubmaxact.recognition.listing import Listing
from hubmaxact.recognition.safetensors_header import TensorEntry
from hubmaxact.shipped_scales.watcher import Watcher

NEAR = 1 << 16  # bytes between two tensors that are cheaper to read than to ask again
LARGEST_PIECE = 1 << 22  # bytes
MOST_PIECES = 20_000


class Small(NamedTuple):
    """A tensor and where it lies."""

    name: str
    file: str
    entry: TensorEntry

    @property
    def end(self) -> int:
        """The byte behind it."""
        return self.entry.begin + self.entry.num_bytes


def contents(listing: Listing, tensors: Iterable[Small], watcher: Watcher) -> Mapping[str, bytes]:
    """Read tensors' bytes, and as little as may be of what lies between them.

    Args:
        listing: A folder or a repository.
        tensors: Small ones, whose headers were checked.
        watcher: Told of each piece that was read.

    Returns:
        Bytes by the tensors' names.

    Raises:
        UnsafeCheckpointError: They lie in more pieces than anybody's checkpoint, or a file has
            become shorter meanwhile.
        HubError: They cannot be fetched.
    """
    pieces = list(_pieces(tensors))
    if len(pieces) > MOST_PIECES:
        raise UnsafeCheckpointError(
            f"the scales of {listing.name} lie in {len(pieces):,} places of its files, more than "
            f"{MOST_PIECES:,}, which are not read. Save the checkpoint again."
        )
    found: dict[str, bytes] = {}
    watcher.begin(len(pieces))
    for piece in pieces:
        found |= _read(listing, piece)
        watcher.step()
    return found


def _pieces(tensors: Iterable[Small]) -> Iterator[list[Small]]:
    ordered = sorted(tensors, key=lambda each: (each.file, each.entry.begin))
    for _, inside in groupby(ordered, key=lambda each: each.file):
        piece: list[Small] = []
        for each in inside:
            if piece and not _fits(piece, each):
                yield piece
                piece = []
            piece.append(each)
        yield piece


def _fits(piece: list[Small], each: Small) -> bool:
    near = each.entry.begin - piece[-1].end <= NEAR
    return near and each.end - piece[0].entry.begin <= LARGEST_PIECE


def _read(listing: Listing, piece: list[Small]) -> dict[str, bytes]:
    start, file = piece[0].entry.begin, piece[0].file
    content = listing.part(file, start, piece[-1].end - start)
    if len(content) < piece[-1].end - start:
        raise UnsafeCheckpointError(
            f"{printable(file)} of {listing.name} has become shorter while it was read. Try again."
        )
    return {each.name: content[each.entry.begin - start : each.end - start] for each in piece}
