"""Which of a checkpoint's files hold its tokenizer, what reads them, and what is wrong with them.

What a `.model` file is stands in its first bytes: Llama 3's are lists for tiktoken.
"""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.measurement.checkpoint.configuration import TOKENIZER_CONFIG, read_json
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.printable import printable

TEKKEN = "tekken.json"
WHOLE = "tokenizer.json"
JSON_FILES = (WHOLE, TOKENIZER_CONFIG, "special_tokens_map.json", "added_tokens.json", "vocab.json")
MOST_START = 1024  # bytes


@dataclass(frozen=True, slots=True)
class Reader:
    """What reads a kind of tokenizer files."""

    files: str  # pattern
    packages: dict[str, str]  # module -> the package that brings it
    begins: re.Pattern[bytes] = re.compile(b"")


READERS = (
    Reader(TEKKEN, {"mistral_common": "mistral-common"}),
    Reader("*.tiktoken", {"tiktoken": "tiktoken"}, re.compile(rb"[\w+/=]+ \d+\r?\n")),
    Reader("*.model", {"tiktoken": "tiktoken"}, re.compile(rb"[\w+/=]+ \d+\r?\n")),
    # The first field of its protocol buffer: a piece.
    Reader(
        "*.model",
        {"sentencepiece": "sentencepiece", "google.protobuf": "protobuf"},
        re.compile(b"\n"),
    ),
)
"""For folders without a tokenizer.json, which needs nothing more. The first that fits is told."""


def fault(files: WeightFiles) -> UnsafeCheckpointError | None:
    """Return what is wrong with the files of a tokenizer that could not be loaded, if they tell.

    Args:
        files: What `inspect` found sound.

    Returns:
        A package that is not installed, or the file that is damaged. None: neither shows.
    """
    for name in JSON_FILES:
        if (files.folder / name).is_file():
            try:
                document = read_json(files.folder, name)
            except UnsafeCheckpointError as error:
                return error
            if name == WHOLE and not isinstance(document.get("model"), dict):
                return _damaged(files, name, 'it has no "model"')
    return None if (files.folder / WHOLE).is_file() else fault_without_json(files)


def fault_without_json(files: WeightFiles) -> UnsafeCheckpointError | None:
    """Return what is wrong where there is no tokenizer.json.

    Args:
        files: What `inspect` found sound.

    Returns:
        As `fault` does.
    """
    for pattern in dict.fromkeys(reader.files for reader in READERS):
        for path in sorted(files.folder.glob(pattern)):
            return _fault_of(files, path, [each for each in READERS if each.files == pattern])
    return None


def _fault_of(
    files: WeightFiles, path: Path, readers: list[Reader]
) -> UnsafeCheckpointError | None:
    with path.open("rb") as file:
        start = file.read(MOST_START)
    reader = next((each for each in readers if each.begins.match(start)), None)
    if reader is None:
        kinds = " nor ".join(" and ".join(each.packages.values()) for each in readers)
        return _damaged(files, path.name, f"its first bytes are none that {kinds} reads")
    if lacking := [pip for module, pip in reader.packages.items() if not _installed(module)]:
        return UnsafeCheckpointError(
            f"{files.name} has its tokenizer as {printable(path.name)}, which is read with "
            f"{' and '.join(lacking)}, not installed here. Install: pip install "
            f"{' '.join(lacking)}."
        )
    if "sentencepiece" in reader.packages and not _is_sentencepiece(path):
        return _damaged(files, path.name, "sentencepiece cannot read it")
    return None


def _damaged(files: WeightFiles, name: str, why: str) -> UnsafeCheckpointError:
    return UnsafeCheckpointError(
        f"the tokenizer of {files.name} cannot be loaded: {printable(name)} is cut off or no "
        f"tokenizer, {why}. Fetch it again from where the model was released."
    )


def _is_sentencepiece(path: Path) -> bool:
    from sentencepiece import SentencePieceProcessor  # an own choice of who has such a file

    try:
        SentencePieceProcessor().LoadFromSerializedProto(path.read_bytes())
    except RuntimeError:
        return False
    return True


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package around it
        return False
