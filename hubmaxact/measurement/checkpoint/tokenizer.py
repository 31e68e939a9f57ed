"""A checkpoint's own tokenizer, from whichever files hold it; a package that it needs is named."""

from dataclasses import dataclass
from importlib.util import find_spec

import transformers

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.measurement.checkpoint.own_code import refuse_own_tokenizer
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.measurement.failures.memory import ran_out
from hubmaxact.measurement.failures.own_error import reason

TEKKEN = "tekken.json"
WHOLE = "tokenizer.json"


@dataclass(frozen=True, slots=True)
class Reader:
    """What reads a kind of tokenizer files."""

    files: str  # pattern
    packages: dict[str, str]  # module -> the package that brings it


READERS = (
    Reader(TEKKEN, {"mistral_common": "mistral-common"}),
    Reader("*.tiktoken", {"tiktoken": "tiktoken"}),
    Reader("*.model", {"sentencepiece": "sentencepiece", "google.protobuf": "protobuf"}),
)
"""For folders without a tokenizer.json, which needs nothing more. The first that fits is told."""


def load_tokenizer(files: WeightFiles) -> transformers.PreTrainedTokenizerBase:
    """Load the tokenizer that lies beside the weights.

    Args:
        files: What `inspect` found sound.

    Returns:
        The tokenizer, of whatever class.

    Raises:
        UnsafeCheckpointError: It needs code of its own or a package that is not installed, or it is
            damaged.
    """
    refuse_own_tokenizer(files)
    # Converted, a tekken.json would lose the token that begins every text.
    only_tekken = (files.folder / TEKKEN).is_file() and not (files.folder / WHOLE).is_file()
    # Beside a tokenizer.json it is never read: what is installed must not decide about ids.
    options = {"mistral_format": only_tekken}
    if only_tekken and (needed := _needed(files)):
        raise _lacks_packages(files, needed)
    try:
        return transformers.AutoTokenizer.from_pretrained(
            str(files.folder), trust_remote_code=False, local_files_only=True, **options
        )
    except Exception as error:  # tokenizers raises Exception itself, transformers KeyError and more
        if ran_out(error):
            raise
        if needed := _needed(files):
            raise _lacks_packages(files, needed) from error
        raise UnsafeCheckpointError(
            f"the tokenizer of {files.folder.name} cannot be loaded: {reason(error)}. "
            "Put the checkpoint's own tokenizer files beside the weights."
        ) from error


def _needed(files: WeightFiles) -> tuple[str, tuple[str, ...]] | None:
    """The file that holds the tokenizer, and packages that read it and are not installed."""
    if (files.folder / WHOLE).is_file():
        return None
    for reader in READERS:
        for path in sorted(files.folder.glob(reader.files)):
            lacking = (pip for module, pip in reader.packages.items() if not _installed(module))
            names = tuple(lacking)
            return (path.name, names) if names else None
    return None


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package around it
        return False


def _lacks_packages(
    files: WeightFiles, needed: tuple[str, tuple[str, ...]]
) -> UnsafeCheckpointError:
    name, packages = needed
    return UnsafeCheckpointError(
        f"{files.folder.name} has its tokenizer as {ascii(name)[1:-1][:80]}, which is read with "
        f"{' and '.join(packages)}, not installed here. "
        f"Install: pip install {' '.join(packages)}."
    )
