"""A group of modules whose weights are declared to be stored in one way."""

from dataclasses import dataclass

from hubmaxact.stored_weights.storage import Scheme
from hubmaxact.stored_weights.targets import EVERYTHING, Targets


@dataclass(frozen=True, slots=True)
class Group:
    """One way and the modules that it is declared for.

    Attributes:
        scheme: The way.
        targets: Modules.
        codes: Dtypes of the codes. None: any of the storage's.
    """

    scheme: Scheme
    targets: Targets = EVERYTHING
    codes: frozenset[str] | None = None

    def takes(self, dtype: str) -> bool:
        """Whether codes of a dtype, as safetensors spells it, are stored in this way."""
        return dtype in (self.scheme.storage.codes if self.codes is None else self.codes)
