"""Names of an adapter's tensors as PEFT writes them, and of a base's weights as releases do."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Protocol

from hubmaxact.adapters.config import UnmergeableError
from hubmaxact.printable import printable

AROUND = "base_model.model."
"""What PEFT puts before the names of its base's modules."""

WEIGHT, BIAS = ".weight", ".bias"
FACTORS = {
    ".lora_A.weight": "a",
    ".lora_B.weight": "b",
    ".lora_B.bias": "bias",
    ".lora_embedding_A": "embedding_a",
    ".lora_embedding_B": "embedding_b",
}
"""What follows a module's name -> which factor it is."""

WRAPPED = ".base_layer."
"""Stands in the name of a tensor that a changed module has of its own."""

PREFIXES = (
    ("model.", ""),
    ("transformer.", ""),
    ("gpt_neox.", ""),
    ("model.language_model.", "language_model.model."),
    ("model.language_model.", "model."),
)
"""Two ways in which names of a decoder's weights begin, in releases and in modules by turns."""

HEAD = "lm_head.weight"
NUMBERS = frozenset({"BF16", "F16", "F32", "F64"})


class Header(Protocol):
    """A tensor as its file's header declares it."""

    @property
    def dtype(self) -> str:
        """As safetensors spells it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Extents."""


def sorted_tensors(
    tensors: Mapping[str, Header],
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Tell an adapter's tensors apart by their names.

    Args:
        tensors: By header.

    Returns:
        Tensors by the weights whose place they take; and those that are factors, by module and by
        part.

    Raises:
        UnmergeableError: One is no tensor of a plain LoRA adapter, or holds no plain numbers.
    """
    whole: dict[str, str] = {}
    factors: dict[str, dict[str, str]] = defaultdict(dict)
    for name, header in tensors.items():
        if header.dtype not in NUMBERS:
            raise UnmergeableError(f"{printable(name)} is stored as {header.dtype}")
        inner = name.removeprefix(AROUND)
        suffix = next((end for end in FACTORS if inner.endswith(end)), None)
        if inner == name or (suffix is None and "lora_" in inner):
            raise UnmergeableError(f"{printable(name)} is no tensor of a plain LoRA adapter")
        if suffix is not None:
            factors[inner.removesuffix(suffix)][FACTORS[suffix]] = name
            continue
        stored = inner.replace(WRAPPED, ".")
        if stored in whole:
            raise UnmergeableError(f"{printable(stored)} is there twice")
        whole[stored] = name
    return whole, factors


def spellings(name: str) -> Iterator[str]:
    """Yield a weight's name, and whatever else a release may call it."""
    yield name
    for one, other in PREFIXES:
        if name.startswith(one):
            yield other + name.removeprefix(one)
        if name.startswith(other):
            yield one + name.removeprefix(other)
