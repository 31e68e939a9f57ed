"""A checkpoint that only lends its names: headers of its weight files are read, and no weight.

Any checkpoint of the model will do, the quantized one too; so none is held to a digest.
"""

from pathlib import Path

from hubmaxact.errors import HubmaxactError, NoCheckpointError
from hubmaxact.recognition.folder import Folder
from hubmaxact.recognition.stored_tensors import header_of
from hubmaxact.recognition.weights import INDEX, SINGLE, has_weights, weights_of


def tensors_of(folder: Path) -> frozenset[str]:
    """Return the names of all tensors in a checkpoint.

    Args:
        folder: A local checkpoint, quantized or not.

    Returns:
        Names, as its weight files have them.

    Raises:
        NoCheckpointError: It is no checkpoint.
        HubmaxactError: A file of it cannot be read, or lies.
    """
    listing = Folder(folder)
    if not has_weights(listing.root):
        raise NoCheckpointError(
            f"{listing.name} is no checkpoint: it lacks both {SINGLE} and {INDEX}. Name the folder "
            "of a checkpoint of the model with --checkpoint."
        )
    files = weights_of(listing).files
    listing.refuse_pointers(files)
    return frozenset(tensor for file in files for tensor in header_of(listing, file))


def tensors_beside(folder: Path | None) -> frozenset[str] | None:
    """Return the same of the folder that holds the report, if it is a checkpoint.

    Args:
        folder: What was named. None: no folder was.

    Returns:
        Names. None: there is no checkpoint, or its headers cannot be read.
    """
    try:
        return None if folder is None else tensors_of(folder)
    except HubmaxactError:  # nobody asked for it; a note says whose names there are instead
        return None
