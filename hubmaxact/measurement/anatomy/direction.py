"""Whether a model's tokens see those after them: an encoder's do, a decoder's do not.

A model says so itself, and a pass shows it. Names of models say nothing.
"""

from collections.abc import Sequence

from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    PreTrainedConfig,
    PreTrainedModel,
)

from hubmaxact.errors import UnknownAnatomyError
from hubmaxact.measurement.anatomy.decoder_stack import Stack
from hubmaxact.measurement.anatomy.probe_pass import Probe
from hubmaxact.measurement.anatomy.site import Site

SUDDENLY = 10  # times what earlier layers moved: rounding grows from layer to layer, a leak jumps


def is_bidirectional(stack: Stack, probe: Probe) -> bool:
    """Tell an encoder, whose batches must not be padded.

    Args:
        stack: The layers and what runs them.
        probe: What a pass showed. Of shapes alone nothing is seen to move, and what the model says
            decides.

    Returns:
        Whether the model claims nothing else, and it is of a kind that predicts masked tokens or a
        later token was seen to reach an earlier one (CLIP's text model says less than it is).
    """
    if claims_causal(stack):
        return False
    if not probe.has_values or _kinds(stack) & set(MODEL_FOR_MASKED_LM_MAPPING):
        return True
    return any(reached > probe.rounding[name] for name, reached in probe.reached.items())


def claims_causal(stack: Stack) -> bool:
    """Whether a model says that no token sees those after it.

    Its configuration is asked first, then its attentions, then which tasks transformers has its
    kind for: where it may serve both, it is a decoder only if its configuration says so.

    Args:
        stack: The layers and what runs them.

    Returns:
        What it says, a model that says nothing by whether it generates text.
    """
    config = stack.model.config.get_text_config(decoder=True)
    if getattr(config, "is_causal", None) is False:
        return False
    flags = (getattr(module, "is_causal", None) for module in stack.layers.modules())
    if said := {flag for flag in flags if isinstance(flag, bool)}:
        return True in said
    if getattr(config, "is_decoder", False):
        return True
    if _kinds(stack) & set(MODEL_FOR_MASKED_LM_MAPPING):
        return False
    return bool(_kinds(stack) & set(MODEL_FOR_CAUSAL_LM_MAPPING)) or stack.model.can_generate()


def _kinds(stack: Stack) -> set[type[PreTrainedConfig]]:
    """What transformers' tables of tasks are asked for."""
    config = stack.model.config
    return {type(config), type(config.get_text_config(decoder=True))}


def refuse_leaks(model: PreTrainedModel, sites: Sequence[Site], probe: Probe) -> None:
    """Refuse a model that claims to be causal and is not.

    Padding is left out after the fact, which is right only where it reaches no real token.

    Args:
        model: As it was loaded.
        sites: All that are watched.
        probe: What a pass showed.

    Raises:
        UnknownAnatomyError: Names the first module that a later token reaches.
    """
    before = 0.0
    mixers = [site for site in sites if site.role == "attention_output"]
    for site in mixers or [site for site in sites if site.role == "hidden_state"]:
        moved = probe.moved.get(site.module, 0.0)
        if moved > max(probe.rounding.get(site.module, 0.0), SUDDENLY * before):
            raise UnknownAnatomyError(
                f"{type(model).__name__} says that it is causal, and is no causal decoder: a "
                f"later token moved what {site.module} puts out for the tokens before it, by "
                f"{moved:.1%}. hubmaxact measures causal decoders, and encoders that say so."
            )
        before = max(before, moved)


def refuse_apart(model: PreTrainedModel, sites: Sequence[Site], probe: Probe) -> None:
    """Refuse an encoder that puts out zeros where its attention's kernel is not there (MRA).

    Args:
        model: As it was loaded.
        sites: All that are watched.
        probe: What a pass showed.

    Raises:
        UnknownAnatomyError: No token was seen to reach an earlier one.
    """
    mixers = [site.module for site in sites if site.role == "attention_output"]
    if probe.has_values and mixers and not any(probe.reached.get(name) for name in mixers):
        raise UnknownAnatomyError(
            f"{type(model).__name__} is an encoder, and no token was seen to reach an earlier one: "
            "its attention does nothing on this device or with these weights. Compare them with "
            "the released ones, or use --device cuda."
        )
