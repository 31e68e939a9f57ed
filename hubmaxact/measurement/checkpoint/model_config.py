"""What a model is built from: its class, and its configuration without a word of stored weights.

How weights are stored is no business of the model: it gets them as an unquantized release has them.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import transformers
from transformers import PreTrainedConfig

from hubmaxact.adapters.merges import Merges
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.recognition.quantization import KEYS


class ModelPlan(NamedTuple):
    """What transformers builds a model from."""

    model_class: type[transformers.PreTrainedModel]
    config: PreTrainedConfig


def model_plan(files: WeightFiles, chosen: Any) -> ModelPlan:
    """Read config.json.

    Args:
        files: What `inspect` found sound.
        chosen: A class of models, or transformers' choice among them.

    Returns:
        The class, and its configuration without what it says of quantized weights, and with what
        an adapter changes in it.

    Raises:
        Exception: Whatever transformers raises of a configuration that it cannot read.
    """
    is_class = issubclass(chosen, transformers.PreTrainedModel)
    if is_class:
        config = chosen.config_class.from_pretrained(str(files.folder), local_files_only=True)
    else:
        config = transformers.AutoConfig.from_pretrained(
            str(files.folder), local_files_only=True, trust_remote_code=False
        )
    for part in _parts(config):
        for key in KEYS:
            if hasattr(part, key):
                delattr(part, key)
    if files.adapter is not None:
        _adapt(config, files.adapter.merges)
    return ModelPlan(chosen if is_class else _causal(config), config)


def _adapt(config: PreTrainedConfig, merges: Merges) -> None:
    """Let a configuration say what an adapter changes beside values."""
    text = config.get_text_config(decoder=True)
    if merges.num_tokens is not None:
        text.vocab_size = merges.num_tokens
    if merges.own_head is not None:
        config.tie_word_embeddings = text.tie_word_embeddings = False


def _causal(config: PreTrainedConfig) -> type[transformers.PreTrainedModel]:
    classes: Any = transformers.MODEL_FOR_CAUSAL_LM_MAPPING
    if type(config) not in classes:
        raise ValueError(f"it has no causal language model for {type(config).__name__}")
    found: type[transformers.PreTrainedModel] = classes[type(config)]
    return found


def _parts(config: PreTrainedConfig) -> Iterator[PreTrainedConfig]:
    """A configuration and those inside it."""
    yield config
    for value in list(vars(config).values()):
        if isinstance(value, PreTrainedConfig):
            yield from _parts(value)
