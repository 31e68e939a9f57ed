"""What NVIDIA's Model-Optimizer declares."""

from collections.abc import Mapping

from hubmaxact.stored_weights.entries import Said, an_object, one_of, said_briefly
from hubmaxact.stored_weights.group import Group
from hubmaxact.stored_weights.storage import RoundedInput, Scheme
from hubmaxact.stored_weights.table import NVFP4_FACTOR, SCALED
from hubmaxact.stored_weights.targets import Targets
from hubmaxact.stored_weights.unknown import UnknownStorageError

MIXED = "MIXED_PRECISION"
GROUP = 16  # columns that share a scale

SCALE = "input_scale"
FP8_INPUT = RoundedInput(format="float8_e4m3fn", granularity="per_tensor", stored=SCALE)
NVFP4_INPUT = RoundedInput(format="nvfp4", granularity="block_16", stored=SCALE)

# Not the AWQ and SVD kinds: factors of the input and a low-rank part belong to the weight there.
ALGORITHMS: Mapping[str, Group] = {
    "FP8": Group(Scheme(storage=SCALED, inputs=FP8_INPUT), codes=frozenset({"F8_E4M3"})),
    "NVFP4": Group(Scheme(storage=NVFP4_FACTOR, bits=4, group_size=GROUP, inputs=NVFP4_INPUT)),
    "W4A16_NVFP4": Group(Scheme(storage=NVFP4_FACTOR, bits=4, group_size=GROUP)),
}
"""Model-Optimizer's schemes that are expanded here."""


def modelopt(said: Said) -> list[Group]:
    """Read `modelopt`.

    Args:
        said: What the configuration says, or hf_quant_config.json.

    Returns:
        One group; where precision is mixed, one for each scheme with the modules that it names.

    Raises:
        UnknownStorageError: A scheme is not among those above.
    """
    named = said.get("quant_algo")
    if named != MIXED:
        return [_known(named, said)]
    modules: dict[str, list[str]] = {}
    for module, scheme in an_object(said.get("quantized_layers")).items():
        entry = an_object(scheme)
        _known(entry.get("quant_algo"), entry)
        modules.setdefault(entry["quant_algo"], []).append(module)
    if not modules:
        raise UnknownStorageError("modelopt of mixed precision that names no layers")
    return [
        Group(ALGORITHMS[name].scheme, Targets(frozenset(names)), ALGORITHMS[name].codes)
        for name, names in sorted(modules.items())
    ]


def _known(named: object, said: Said) -> Group:
    if not isinstance(named, str) or named not in ALGORITHMS:
        raise UnknownStorageError(f"modelopt with quant_algo {said_briefly(named)}")
    group = ALGORITHMS[named]
    if group.scheme.group_size is not None:
        words = f"modelopt {named} with a group_size of {{}}"
        one_of(said.get("group_size") or GROUP, (GROUP,), words)
    return group
