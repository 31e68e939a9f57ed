"""The tensors of a checkpoint as their files' headers declare them, on a disk or on the Hub."""

from collections.abc import Callable, Iterable
from io import BytesIO

from hubmaxact.errors import IncompleteWeightsError
from hubmaxact.printable import counted, printable
from hubmaxact.recognition.listing import Listing
from hubmaxact.recognition.safetensors_header import (
    MOST_HEADER_BYTES,
    PREFIX,
    Header,
    TensorEntry,
    checked_header,
)
from hubmaxact.recognition.weights import INDEX, Weights

MOST_HEADERS = 100_000  # bytes: most headers are smaller


def header_of(listing: Listing, file: str) -> Header:
    """Read and check the header of one weight file: mostly one small part of it, else two.

    Args:
        listing: A folder or a repository.
        file: One of its safetensors files.

    Returns:
        Its tensors by name; none of them was read.

    Raises:
        UnsafeCheckpointError: The file is cut, or contradicts itself.
        HubError: It cannot be fetched.
    """
    start = listing.part(file, 0, MOST_HEADERS)
    length = int.from_bytes(start[:PREFIX], "little")
    if len(start) - PREFIX < length <= MOST_HEADER_BYTES:
        start = listing.part(file, 0, PREFIX + length)
    return checked_header(file, listing.size(file), BytesIO(start).read)


def tensors_of(
    name: str, weights: Weights, header_of_file: Callable[[str], Header]
) -> dict[str, TensorEntry]:
    """Every tensor that the weight files declare, held against their index.

    Args:
        name: How sentences call the checkpoint.
        weights: Its files.
        header_of_file: Reads and checks the header of one of them.

    Returns:
        Entries by the tensors' names.

    Raises:
        IncompleteWeightsError: Index and files do not agree, or they hold nothing.
    """
    tensors: dict[str, TensorEntry] = {}
    for file in weights.files:
        header = header_of_file(file)
        _check_file(file, header, weights.tensors)
        tensors |= header
    if not tensors:
        raise IncompleteWeightsError(f"{name} holds no tensors. Save the checkpoint again.")
    return tensors


def _check_file(file: str, header: Iterable[str], expected: dict[str, str]) -> None:
    promised = {name for name, where in expected.items() if where == file}
    if not promised:
        return
    held = set(header)
    if promised != held:
        lost, extra = sorted(promised - held), sorted(held - promised)
        found = (
            f"{counted(len(lost), 'tensor')} missing"
            if lost
            else f"{counted(len(extra), 'tensor')} too many"
        )
        example = (lost or extra)[0]
        raise IncompleteWeightsError(
            f"{printable(file)} does not hold what {INDEX} says: {found} "
            f"(first: {ascii(example)[:100]}). Download or save the checkpoint again."
        )
