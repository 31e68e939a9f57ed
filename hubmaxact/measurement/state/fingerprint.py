"""Whether a checkpoint's folder still holds what it did, told in a second or two of reading.

Not the weights' digests, which take a minute for each hundred gigabytes: sizes, whole headers and a
part of tensors. Whoever needs to know for sure compares the digests too, once they are there.
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from hubmaxact.errors import IncompleteWeightsError
from hubmaxact.files import open_regular
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.printable import printable
from hubmaxact.recognition.adapter import CONFIG as ADAPTER_CONFIG
from hubmaxact.recognition.safetensors_header import PREFIX, TensorEntry, read_header
from hubmaxact.recognition.small_files import small_files

SAMPLE_BYTES = 1 << 12
MOST_SAMPLES = 1 << 14
"""64 MiB in all, and seldom more reads than a disk answers in a second."""

UNREAD = {"README.md"}
"""Small files that no bit of a measurement depends on."""


def fingerprint(files: WeightFiles) -> str:
    """Return what changes when a checkpoint does.

    Args:
        files: The checkpoint's, with an adapter if one is merged.

    Returns:
        A digest of names, sizes, small files and headers, and of the middle of every tensor; of
        more than 16,384 tensors, of as many, evenly chosen.

    Raises:
        IncompleteWeightsError: A file cannot be read any more.
        UnsafeCheckpointError: A header is no longer sound.
    """
    digest = hashlib.sha256()
    for place in files.places:
        digest.update(b"place")
        try:
            for part in (*_small(place.folder), *_weights(place.folder, place.shards)):
                # A digest each: what ends one part begins no other.
                digest.update(hashlib.sha256(part).digest())
        except OSError as error:
            raise IncompleteWeightsError(
                f"a file of {printable(place.name)} cannot be read any more: {error.strerror}. "
                "Leave the checkpoint as it is, and measure again."
            ) from error
    return f"sha256:{digest.hexdigest()}"


def _small(folder: Path) -> Iterator[bytes]:
    """Names and digests of whatever is read beside the weights, own code too."""
    names = {path.name for path in folder.iterdir()}
    read = {name for name in names if name == ADAPTER_CONFIG or name.endswith(".py")}
    for name in sorted({*small_files(names), *read} - UNREAD):
        yield name.encode()
        with open_regular(folder / name) as file:
            yield hashlib.file_digest(file, "sha256").digest()


def _weights(folder: Path, shards: tuple[str, ...]) -> Iterator[bytes]:
    """Names, sizes, headers and parts of weight files."""
    headers = {shard: read_header(folder / shard) for shard in shards}
    number = sum(map(len, headers.values()))
    step = -(-number // MOST_SAMPLES) or 1
    for shard, header in headers.items():
        path = folder / shard
        with open_regular(path) as file:
            yield f"{shard} {path.stat().st_size}".encode()
            yield file.read(int.from_bytes(file.read(PREFIX), "little"))
            for entry in _ordered(header.values())[::step]:
                file.seek(entry.begin + max(entry.num_bytes - SAMPLE_BYTES, 0) // 2)
                yield file.read(min(entry.num_bytes, SAMPLE_BYTES))


def _ordered(entries: Iterable[TensorEntry]) -> list[TensorEntry]:
    return sorted(entries, key=lambda entry: (entry.begin, entry.num_bytes))
