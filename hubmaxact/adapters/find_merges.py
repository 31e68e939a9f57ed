"""Which tensors of an adapter change which weights of its base, told from both's headers.

Nothing may be left over: a tensor that changes nothing would be a weight that was not measured.
"""

from collections.abc import Mapping

from hubmaxact.adapters.config import AdapterConfig, UnmergeableError
from hubmaxact.adapters.merges import Addition, Merge, Merges
from hubmaxact.adapters.tensor_names import (
    BIAS,
    HEAD,
    WEIGHT,
    Header,
    sorted_tensors,
    spellings,
)
from hubmaxact.printable import printable

Shapes = Mapping[str, tuple[int, ...]]


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
    whole, factors = sorted_tensors(tensors)
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
        for name in spellings(wanted):
            if name in self._base:
                return name
        fused = ", and factors of fused experts are not merged" if ".experts" in wanted else ""
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
