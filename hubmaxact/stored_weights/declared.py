"""How the weights of a release are stored, from what its configuration says, before any is read."""

from collections.abc import Callable
from dataclasses import dataclass

from hubmaxact.stored_weights.by_bitsandbytes import bitsandbytes
from hubmaxact.stored_weights.by_compressed_tensors import METHOD, compressed_tensors
from hubmaxact.stored_weights.by_fp8 import fbgemm_fp8, fp8
from hubmaxact.stored_weights.by_modelopt import modelopt
from hubmaxact.stored_weights.by_words import awq, gptq, mxfp4
from hubmaxact.stored_weights.entries import Said, said_briefly
from hubmaxact.stored_weights.group import Group
from hubmaxact.stored_weights.storage import Scheme, Storage
from hubmaxact.stored_weights.unknown import UnknownStorageError

METHODS: dict[str, Callable[[Said], list[Group]]] = {
    "fp8": fp8,
    "mxfp8": fp8,
    "fbgemm_fp8": fbgemm_fp8,
    METHOD: compressed_tensors,
    "modelopt": modelopt,
    "gptq": gptq,
    "awq": awq,
    "bitsandbytes": bitsandbytes,
    "mxfp4": mxfp4,
}
"""Methods that are expanded here, by the name that configurations give them, and who reads each."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a configuration says of how weights are stored.

    Attributes:
        method: What it calls the method.
        groups: The ways and the modules of each.
    """

    method: str
    groups: tuple[Group, ...]

    @property
    def storages(self) -> tuple[Storage, ...]:
        """The ways of storing, NVFP4 before MXFP4, whose tensors are some of its own."""
        ways: list[Storage] = []
        for group in self.groups:
            if group.scheme.storage not in ways:
                ways.append(group.scheme.storage)
        return tuple(sorted(ways, key=lambda way: -len(way.required)))

    def scheme_of(self, module: str, storage: Storage, dtype: str | None = None) -> Scheme | None:
        """Tell how the weight of a module is stored, by whichever group means it most closely.

        Args:
            module: Its full name.
            storage: The way that its tensors are named in.
            dtype: Of its codes, as safetensors spells it. None: any.

        Returns:
            The scheme. None: nothing says that the module is stored so.
        """
        able = [
            group
            for group in self.groups
            if group.scheme.storage is storage and (dtype is None or group.takes(dtype))
        ]
        if able and all(group.scheme == able[0].scheme for group in able):
            return able[0].scheme  # what ignores a module leaves it plain
        ranks = [(group.targets.rank(module), group.scheme) for group in able]
        meant = [(rank, scheme) for rank, scheme in ranks if rank is not None]
        return min(meant, key=lambda each: each[0])[1] if meant else None


def declared(said: Said) -> Declared:
    """Read what a configuration says of quantized weights.

    Args:
        said: What `recognition.quantization.said_of_weights` returns, whoever wrote it.

    Returns:
        Every way of storing that it names.

    Raises:
        UnknownStorageError: One is not in the table, or not as it is declared.
    """
    method = said.get("quant_method")
    if not isinstance(method, str) or method not in METHODS:
        raise UnknownStorageError(said_briefly(method))
    return Declared(method, tuple(METHODS[method](said)))
