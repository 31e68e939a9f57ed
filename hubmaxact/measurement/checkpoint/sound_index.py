"""Index and configuration as transformers wants them, where a checkpoint's own are not so.

Conversion scripts write a `weight_map` and no `metadata`, which transformers looks up unasked; and
where the cache alone is quantized, transformers would quantize it. The checkpoint's folder is left
as it is: both are written anew elsewhere, and the index leads back to it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hubmaxact.measurement.checkpoint.configuration import CONFIG, read_json
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.recognition.weights import INDEX, SINGLE


@contextmanager
def sound_index(files: WeightFiles) -> Iterator[Path]:
    """Yield a folder that transformers loads these very files from.

    Args:
        files: A checked checkpoint.

    Yields:
        The checkpoint's own folder, or a temporary one whose index names its files by whole path.
    """
    if not files.scaled_cache and _is_sound(files):
        yield files.folder
        return
    with TemporaryDirectory(prefix="hubmaxact-") as name:
        folder, whole = Path(name), files.folder.absolute()
        (folder / CONFIG).write_text(json.dumps(files.config), "utf-8")
        held = files.weights.tensors or dict.fromkeys(files.tensors, SINGLE)
        places = {tensor: str(whole / file) for tensor, file in held.items()}
        index = {"metadata": {}, "weight_map": places}
        (folder / INDEX).write_text(json.dumps(index), "utf-8")
        yield folder


def _is_sound(files: WeightFiles) -> bool:
    """Whether there is no index, or one with all that transformers looks up."""
    return not files.weights.tensors or isinstance(
        read_json(files.folder, INDEX).get("metadata"), dict
    )
