"""What adapter_config.json says, as far as merging needs it, and what it says that no sum is."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hubmaxact.adapters.module_patterns import ModulePatterns, UnreadablePatternError
from hubmaxact.printable import shown

LORA = "LORA"
DEFAULT_RANK = DEFAULT_ALPHA = 8
"""PEFT's, where a configuration is silent."""

PLAIN_INITS = ("gaussian", "eva", "orthogonal", "mica")
"""Ways of filling in the first factors by name that leave the base's weights as they are."""

OTHERWISE = {
    "use_dora": "its weights are rescaled too (use_dora)",
    "target_parameters": "it targets parameters that are no module of their own, such as those of "
    "fused experts (target_parameters)",
    "trainable_token_indices": "it changes single rows of an embedding (trainable_token_indices)",
    "alora_invocation_tokens": "it acts on some tokens alone (alora_invocation_tokens)",
    "layer_replication": "it repeats layers of its base (layer_replication)",
    "kasa_config": "it changes its base's weights (kasa_config)",
}
"""What is more than a sum, and why; any other entry that is not known here is named."""

KNOWN = frozenset({
    "alpha_pattern", "auto_mapping", "base_model_name_or_path", "bias", "corda_config",
    "ensure_weight_tying", "eva_config", "exclude_modules", "fan_in_fan_out", "inference_mode",
    "init_lora_weights", "layers_pattern", "layers_to_transform", "loftq_config", "lora_alpha",
    "lora_bias", "lora_dropout", "lora_ga_config", "megatron_core", "modules_to_save", "peft_type",
    "peft_version", "qalora_group_size", "r", "rank_pattern", "revision", "runtime_config",
    "target_modules", "task_type", "use_rslora",
})  # fmt: skip
"""Entries that are read here, or that say how an adapter was trained and not what it is."""


class UnmergeableError(Exception):
    """Raised with the reason, as the end of a sentence, why an adapter is not merged here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterConfig:
    """A LoRA adapter that is a sum.

    Attributes:
        base: What it calls its base: a Hub id, or a path of the machine it was made on.
        revision: Of that base.
        rank: Of the factors of a module.
        alpha: Over the rank, or over its root, what their product is multiplied with.
        is_rank_stabilized: Whether it is the root.
        ranks: Of modules that have another rank.
        alphas: Of modules that have another alpha.
        is_transposed: Whether weights are stored with a row for each input, as GPT-2's are.
        whole: Names of modules whose tensors replace the base's.
        keeps_tied: Whether a head that is the embedding follows one that is replaced; PEFT leaves
            it the base's otherwise.
    """

    base: str | None
    revision: str | None
    rank: int
    alpha: float
    is_rank_stabilized: bool
    ranks: ModulePatterns
    alphas: ModulePatterns
    is_transposed: bool
    whole: tuple[str, ...]
    keeps_tied: bool

    def replaces(self, weight: str) -> bool:
        """Return whether a weight's module is among those that are replaced whole."""
        module = weight.rpartition(".")[0]
        return any(module == name or module.endswith(f".{name}") for name in self.whole)

    def rank_of(self, module: str) -> int:
        """Return the rank of a module's factors."""
        return int(self.ranks.of(module, self.rank))

    def scale_of(self, module: str) -> float:
        """Return what the product of a module's factors is multiplied with."""
        rank, alpha = self.rank_of(module), self.alphas.of(module, self.alpha)
        return alpha / (math.sqrt(rank) if self.is_rank_stabilized else rank)


def adapter_config(said: Mapping[str, Any]) -> AdapterConfig:
    """Read an adapter's configuration.

    Args:
        said: The content of adapter_config.json, whoever wrote it.

    Returns:
        What merging needs.

    Raises:
        UnmergeableError: The adapter is no sum, or an entry is not what belongs there.
    """
    _refuse_other_kinds(said)
    return AdapterConfig(
        base=_text(said, "base_model_name_or_path"),
        revision=_text(said, "revision"),
        rank=_rank("r", said.get("r", DEFAULT_RANK)),
        alpha=_number("lora_alpha", said.get("lora_alpha", DEFAULT_ALPHA)),
        is_rank_stabilized=_flag(said, "use_rslora"),
        ranks=_patterns(said, "rank_pattern"),
        alphas=_patterns(said, "alpha_pattern"),
        is_transposed=_flag(said, "fan_in_fan_out"),
        whole=_names(said, "modules_to_save"),
        keeps_tied=_flag(said, "ensure_weight_tying"),
    )


def _refuse_other_kinds(said: Mapping[str, Any]) -> None:
    if (kind := said.get("peft_type")) != LORA:
        raise UnmergeableError(f"its peft_type is {shown(kind)}, and only {LORA} is merged")
    for key, reason in OTHERWISE.items():
        if said.get(key):
            raise UnmergeableError(reason)
    init = said.get("init_lora_weights", True)
    if not (init is None or isinstance(init, bool) or init in PLAIN_INITS):
        raise UnmergeableError(
            f"its init_lora_weights is {shown(init)}, which changes the base's weights too"
        )
    if other := next((key for key in sorted(said) if key not in KNOWN and said[key]), None):
        raise UnmergeableError(f"its configuration sets {shown(other)}, which is not known here")


def _text(said: Mapping[str, Any], key: str) -> str | None:
    value = said.get(key)
    if value is None or isinstance(value, str):
        return value or None
    raise UnmergeableError(f"its {key} is {shown(value)}, where a name belongs")


def _flag(said: Mapping[str, Any], key: str) -> bool:
    value = said.get(key) or False
    if not isinstance(value, bool):
        raise UnmergeableError(f"its {key} is {shown(value)}, where true or false belongs")
    return value


def _names(said: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = said.get(key) or []
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise UnmergeableError(f"its {key} is {shown(value)}, where an array of names belongs")
    return tuple(value)


def _rank(key: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UnmergeableError(f"its {key} is {shown(value)}, where a whole number above 0 belongs")
    return value


def _number(key: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not _is_finite(value):
        raise UnmergeableError(f"its {key} is {shown(value)}, where a number belongs")
    return value


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False


def _patterns(said: Mapping[str, Any], key: str) -> ModulePatterns:
    check = _rank if key == "rank_pattern" else _number
    value = said.get(key) or {}
    if not isinstance(value, dict):
        raise UnmergeableError(f"its {key} is {shown(value)}, where an object belongs")
    try:
        return ModulePatterns({name: check(key, number) for name, number in value.items()})
    except UnreadablePatternError as error:
        raise UnmergeableError(f"its {key} holds {error}") from error
