"""Why a model is not measured layer by layer, as a sentence; what its configuration says of it."""

from transformers import PreTrainedModel

from hubmaxact.errors import OptionsError

READS_OTHERS = {
    "num_kv_shared_layers": "layers that read the keys and values of others",
}
"""Entries of a configuration that count layers whose input other layers make beside the stream."""


def refused(model: PreTrainedModel, why: str) -> OptionsError:
    """Make the sentence.

    Args:
        model: The one that is not streamed.
        why: Follows "cannot be streamed: "; without a full stop.

    Returns:
        What is raised.
    """
    return OptionsError(
        f"{type(model).__name__} cannot be streamed: {why}. Leave out --stream; --device-map auto "
        "spreads it over the devices, the memory and the disk here."
    )


def refuse_by_config(model: PreTrainedModel) -> None:
    """Refuse what a configuration says outright, before a weight is read.

    Args:
        model: With or without weights.

    Raises:
        OptionsError: Layers read what others made; the sentence names the entry.
    """
    config = model.config.get_text_config(decoder=True)
    for entry, meaning in READS_OTHERS.items():
        number = getattr(config, entry, None)
        if isinstance(number, int) and number > 0:
            raise refused(model, f"config.json has {entry} {number}, {meaning}")
