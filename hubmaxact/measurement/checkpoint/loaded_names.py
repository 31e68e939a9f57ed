"""Which weights of a loaded model a stored tensor became: renamed, merged with others, or cut."""

from collections.abc import Iterable

from transformers import PreTrainedModel
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import (
    WeightConverter,
    WeightRenaming,
    dot_natural_key,
    rename_source_key,
)


def loaded_names(model: PreTrainedModel, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Follow transformers' own table of renames and merges, as its loading does.

    Args:
        model: As transformers loaded it.
        names: Of all tensors that it was loaded from, as an unquantized release has them.

    Returns:
        For each the full names in the model; none for what the model has no use for.
    """
    mapping = get_model_conversion_mapping(model)
    renamings = [each for each in mapping if isinstance(each, WeightRenaming)]
    converters = [each for each in mapping if isinstance(each, WeightConverter)]
    targets = {
        source: each.target_patterns for each in converters for source in each.source_patterns
    }
    held, prefix = model.state_dict(), model.base_model_prefix
    found = {}
    for name in sorted(names, key=dot_natural_key):  # some renames wait for an earlier one
        first, source = rename_source_key(name, renamings, converters, prefix, held)
        if first not in held and name in held:
            first, source = rename_source_key(name, [], [], prefix, held)
        patterns = targets[source] if source is not None else [""]
        every = (first.replace(patterns[0], pattern) for pattern in patterns)
        found[name] = tuple(dict.fromkeys(each for each in every if each in held))
    return found
