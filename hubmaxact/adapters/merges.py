"""Which tensors of an adapter change which weights of its base, told from both's headers.

Nothing may be left over: a tensor that changes nothing would be a weight that was not measured.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from hubmaxact.adapters.config import AdapterConfig, UnmergeableError
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


Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What is added to a weight.

    Attributes:
        factors: Tensors of the adapter, multiplied in this order.
        scale: Of the product.
        is_transposed: Whether the product is transposed first.
    """

    factors: tuple[str, ...]
    scale: float
    is_transposed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """How one weight comes about.

    Attributes:
        whole: The tensor of the adapter that takes the base's place. None: the base's own is used.
        added: What is added to it. None: nothing.
    """

    whole: str | None = None
    added: Addition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Merges:
    """All that an adapter changes.

    Attributes:
        weights: By the names that the base stores them under.
        num_tokens: Rows of an embedding that the adapter brings with another number of them than
            the base has. None: it brings none.
        own_head: The weight that is the head from now on, where that was the embedding: the name
            of a changed weight, or of the base's embedding as it was. None: nothing changes there.
    """

    weights: Mapping[str, Merge]
    num_tokens: int | None = None
    own_head: str | None = None


def find_merges(
    config: AdapterConfig,
    tensors: Mapping[str, Header],
    base: Shapes,
    *,
    num_tokens: int | None,
    is_tied: bool,
) -> Merges:
    """Find the weight of the base that each tensor of an adapter changes.

    Args:
        config: The adapter's.
        tensors: Its tensors by header.
        base: Shapes of the base's weights, by name.
        num_tokens: Rows of the base's embedding, as its configuration says.
        is_tied: Whether the base's head is its embedding, as its configuration says.

    Returns:
        What changes.

    Raises:
        UnmergeableError: A tensor has no place or another shape, or one is missing.
    """
    whole, factors = _sorted(tensors)
    shares_head = is_tied and HEAD not in base
    found = _Found(tensors, base, num_tokens=num_tokens)
    for module_weight, name in whole.items():
        if module_weight == HEAD and shares_head:
            found.add_head(name)
        else:
            found.replace(module_weight, name)
    _require_whole(config, base, found)
    for module, parts in factors.items():
        _add(config, module, parts, found)
    own_head = found.own_head(config) if shares_head else None
    return Merges(weights=found.merges, num_tokens=found.other_num_tokens, own_head=own_head)


def _sorted(tensors: Mapping[str, Header]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Whole weights by name, and factors by module and by part."""
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


class _Found:
    """Merges as they are found."""

    def __init__(
        self, tensors: Mapping[str, Header], base: Shapes, *, num_tokens: int | None
    ) -> None:
        self.merges: dict[str, Merge] = {}
        self.other_num_tokens: int | None = None
        self._tensors, self._base, self._num_tokens = tensors, base, num_tokens

    def replace(self, wanted: str, tensor: str) -> None:
        """Let a tensor take the place of a weight of the base."""
        name = self.stored(wanted)
        self._take(name, Merge(whole=tensor))
        here, there = self._tensors[tensor].shape, self._base[name]
        if here != there:
            self._resize(tensor, here, there)

    def add_head(self, tensor: str) -> None:
        """Take a head that its base has not, because there it is the embedding."""
        self._take(HEAD, Merge(whole=tensor))

    def add(self, wanted: str, addition: Addition, shape: tuple[int, ...]) -> None:
        """Let a product be added to a weight."""
        name = self.stored(wanted)
        before = self.merges.pop(name, Merge())
        there = self._tensors[before.whole].shape if before.whole else self._base[name]
        if shape != there:
            factors = " and ".join(map(printable, addition.factors))
            raise UnmergeableError(
                f"{factors} make a product of shape {_words(shape)}, and {printable(name)} has "
                f"{_words(there)}"
            )
        if before.added is not None:
            raise UnmergeableError(f"{printable(name)} is changed twice")
        self._take(name, Merge(whole=before.whole, added=addition))

    def own_head(self, config: AdapterConfig) -> str | None:
        """What the head is where it was the embedding, and one of the two is replaced alone."""
        if config.keeps_tied:
            return None
        if HEAD in self.merges and config.replaces(HEAD):
            return HEAD
        tables = (name for name in self.merges if self._is_table(name) and config.replaces(name))
        return next((HEAD if HEAD in self.merges else name for name in tables), None)

    def _is_table(self, name: str) -> bool:
        shape = self._base.get(name, ())
        return len(shape) == 2 and shape[0] == self._num_tokens

    def matrix(self, tensor: str) -> tuple[int, int]:
        """The shape of a factor."""
        shape = self._tensors[tensor].shape
        if len(shape) != 2:
            raise UnmergeableError(f"{printable(tensor)} has shape {_words(shape)}, no matrix's")
        return shape[0], shape[1]

    def vector(self, tensor: str) -> tuple[int, ...]:
        """The shape of what is added to a bias."""
        return self._tensors[tensor].shape

    def stored(self, wanted: str) -> str:
        """The name of a weight as the base stores it."""
        for name in _spellings(wanted):
            if name in self._base:
                return name
        fused = ", whose experts are fused" if ".experts" in wanted else ""
        raise UnmergeableError(f"its base has no weight {printable(wanted, 120)}{fused}")

    def _take(self, name: str, merge: Merge) -> None:
        if name in self.merges:
            raise UnmergeableError(f"{printable(name)} is changed twice")
        self.merges[name] = merge

    def _resize(self, tensor: str, here: tuple[int, ...], there: tuple[int, ...]) -> None:
        """Another shape is an embedding's for more tokens, or none at all."""
        is_table = len(here) == len(there) == 2 and here[1] == there[1]
        if not is_table or there[0] != self._num_tokens:
            raise UnmergeableError(
                f"{printable(tensor)} has shape {_words(here)}, and the base's has {_words(there)}"
            )
        if self.other_num_tokens not in {None, here[0]}:
            raise UnmergeableError(
                f"its embeddings are for {self.other_num_tokens} tokens and for {here[0]}"
            )
        self.other_num_tokens = here[0]


def _spellings(name: str) -> Iterator[str]:
    """A weight's name, and what else it may be called."""
    yield name
    for one, other in PREFIXES:
        if name.startswith(one):
            yield other + name.removeprefix(one)
        if name.startswith(other):
            yield one + name.removeprefix(other)


def _require_whole(config: AdapterConfig, base: Shapes, found: _Found) -> None:
    """What the configuration says to be saved whole is there, as far as the base has it."""
    for name in base:
        if config.replaces(name) and name not in found.merges:
            raise UnmergeableError(f"it lacks {printable(name)}, which modules_to_save names")


def _add(config: AdapterConfig, module: str, parts: Mapping[str, str], found: _Found) -> None:
    """Let a module's factors be added to its weight, and to its bias."""
    scale = config.scale_of(module)
    if "bias" in parts:
        shape = found.vector(parts["bias"])
        found.add(module + BIAS, Addition(factors=(parts["bias"],), scale=scale), shape)
    kinds = parts.keys() - {"bias"}
    if kinds == {"a", "b"}:
        b, a, is_transposed = parts["b"], parts["a"], config.is_transposed
    elif kinds == {"embedding_a", "embedding_b"}:
        b, a, is_transposed = parts["embedding_b"], parts["embedding_a"], True
    else:
        held = " and ".join(map(printable, sorted(parts.values())))
        raise UnmergeableError(f"it has {held} without the other factor")
    (rows, rank_b), (rank_a, columns) = found.matrix(b), found.matrix(a)
    if not rank_a == rank_b == config.rank_of(module):
        raise UnmergeableError(
            f"the factors of {printable(module)} have shapes {_words((rows, rank_b))} and "
            f"{_words((rank_a, columns))}, where rank {config.rank_of(module)} is said"
        )
    shape = (columns, rows) if is_transposed else (rows, columns)
    addition = Addition(factors=(b, a), scale=scale, is_transposed=is_transposed)
    found.add(module + WEIGHT, addition, shape)


def _words(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "of one number"
