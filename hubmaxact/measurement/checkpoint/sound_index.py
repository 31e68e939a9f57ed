"""An index as transformers wants it, where a checkpoint's own holds only what counts.

Conversion scripts write a `weight_map` and no `metadata`, which transformers looks up unasked. The
checkpoint's folder is left as it is: the index is written anew elsewhere, and leads back to it.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hubmaxact.measurement.checkpoint.configuration import CONFIG, read_json
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.recognition.weights import INDEX


@contextmanager
def sound_index(files: WeightFiles) -> Iterator[Path]:
    """Yield a folder that transformers loads these very files from.

    Args:
        files: A checked checkpoint.

    Yields:
        The checkpoint's own folder, or a temporary one whose index names its files by whole path.
    """
    if not files.weights.tensors or isinstance(
        read_json(files.folder, INDEX).get("metadata"), dict
    ):
        yield files.folder
        return
    with TemporaryDirectory(prefix="hubmaxact-") as name:
        folder, whole = Path(name), files.folder.absolute()
        shutil.copyfile(files.folder / CONFIG, folder / CONFIG)
        places = {tensor: str(whole / file) for tensor, file in files.weights.tensors.items()}
        index = {"metadata": {}, "weight_map": places}
        (folder / INDEX).write_text(json.dumps(index), "utf-8")
        yield folder
