"""The small files beside the weights that a checkpoint is loaded with."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from hubmaxact.recognition.quantization import OTHER_FILES

PATTERNS = (
    "*.safetensors.index.json",
    "config.json",
    *OTHER_FILES,
    "tokenizer*",
    "vocab*",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "*.model",
    "*.tiktoken",
    "tekken.json",
    "modules.json",
    "README.md",
)


def small_files(root: Iterable[str]) -> list[str]:
    """Return those among the names in a folder, sorted; no code among them."""
    return sorted(
        name
        for name in root
        if any(fnmatchcase(name, pattern) for pattern in PATTERNS) and not name.endswith(".py")
    )
