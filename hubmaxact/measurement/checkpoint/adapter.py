"""An adapter beside the base that it is merged into: its one weight file and what that changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hubmaxact.adapters.merges import Merges
from hubmaxact.recognition.safetensors_header import TensorEntry
from hubmaxact.recognition.weights import ADAPTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A LoRA adapter, by header only.

    Attributes:
        folder: Where it lies.
        name: How sentences call it.
        named_base: The Hub id of its base that its configuration names. None: that is no Hub id.
        tensors: What it holds, by name.
        merges: What of its base it changes.
        has_tokenizer: Whether its own tokenizer lies beside it, which is used then.
    """

    folder: Path
    name: str
    named_base: str | None
    tensors: Mapping[str, TensorEntry]
    merges: Merges
    has_tokenizer: bool

    @property
    def shards(self) -> tuple[str, ...]:
        """Names of the files that are loaded."""
        return (ADAPTER,)
