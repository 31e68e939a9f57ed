"""What a checkpoint is a model of, told from config.json alone: text that one stack runs, or else.

Told before any weight is fetched or read.
"""

from typing import Any

from hubmaxact.errors import UnknownAnatomyError
from hubmaxact.printable import printable

IDS = "input_ids"
TAKEN = {
    "pixel_values": "images",
    "pixel_values_images": "images",
    "pixel_values_videos": "videos",
    "input_features": "sound",
    "input_values": "sound",
    "past_values": "time series",
}
"""What models take in, by the name of their first input."""

ADVICE = "give a decoder or an encoder of text that stands alone."


def refuse_encoder_decoder(config: dict[str, Any]) -> None:
    """Refuse a configuration that says that it is an encoder-decoder's.

    Args:
        config: The content of config.json.

    Raises:
        UnknownAnatomyError: It says so, and names no class that runs the decoder alone.
    """
    names = config.get("architectures")
    name = str(names[0]) if isinstance(names, list) and names else str(config.get("model_type"))
    if config.get("is_encoder_decoder") is True and not name.endswith("ForCausalLM"):
        raise UnknownAnatomyError(_encoder_decoder(name))


def named_class(config: dict[str, Any]) -> Any | None:
    """Return transformers' class that a configuration names.

    Args:
        config: The content of config.json.

    Returns:
        The first of its architectures that transformers has. None: it has none of them.
    """
    import transformers  # whatever files alone tell against a checkpoint is told without it

    names = config.get("architectures")
    for name in names if isinstance(names, list) else []:
        found = getattr(transformers, str(name), None)
        if isinstance(found, type) and issubclass(found, transformers.PreTrainedModel):
            return found
    return None


def refuse_other_kind(chosen: Any) -> None:
    """Refuse a class of models that are not of text, or of encoder and decoder together.

    Args:
        chosen: A class of transformers.

    Raises:
        UnknownAnatomyError: Says what it is.
    """
    try:
        kind, name, taken = chosen.config_class, chosen.__name__, str(chosen.main_input_name)
    except ImportError:  # of a library that it stands on, which is told where it is built
        return
    if getattr(kind, "is_encoder_decoder", False) and not name.endswith("ForCausalLM"):
        raise UnknownAnatomyError(_encoder_decoder(name))
    if taken != IDS and not _has_text(kind):
        raise UnknownAnatomyError(
            f"{name} takes {TAKEN.get(taken, 'no text')} ({taken}) and has no embedding of tokens; "
            f"{ADVICE}"
        )


def _encoder_decoder(name: str) -> str:
    return (
        f"{printable(name, 60)} is an encoder-decoder or one half of it, and two stacks that "
        f"attend to each other are not measured; {ADVICE}"
    )


def _has_text(kind: Any) -> bool:
    """Whether a configuration holds one of text, as those of models that see and speak do."""
    return any("text" in name or name == "decoder" for name in kind.sub_configs)
