"""What a checkpoint calls the modules that a report names as transformers has them in memory.

transformers renames on loading: `transformer.h.0.attn` may be `h.0.attn` in the files,
`model.language_model.layers.0` be `language_model.model.layers.0`, and `mlp.experts.0.gate_proj`
be `block_sparse_moe.experts.0.w1`. What engines read goes by the files' names.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import product

from hubmaxact.engine_files.expert_modules import inside_experts
from hubmaxact.engine_files.request import NotExportableError
from hubmaxact.printable import printable
from hubmaxact.scales.expert_maps import EXPERT_MAPS, OF_ONE_EXPERT

RENAMED = {"mlp": ("block_sparse_moe",), "router": ("gate",)}
"""A word behind a layer's number in memory -> in files, by transformers' conversion_mapping."""

RENAMED_IN_EXPERTS = {name: (EXPERT_MAPS[name].in_files,) for name in OF_ONE_EXPERT}
"""The same of the maps of one expert."""

MEMORY_NOTE = (
    "Names are those that modules have in transformers' memory; a checkpoint may call them "
    "otherwise, and nothing merges then. Give the checkpoint, the quantized one or the measured, "
    "with --checkpoint for its own names."
)

Holders = Mapping[str, Collection[str]]
"""Modules that hold tensors, by the last words of their names."""


def names_in(modules: Collection[str], tensors: Collection[str] | None) -> dict[str, str]:
    """Name modules as a checkpoint does, where one is at hand.

    Args:
        modules: Full dotted names, as transformers has them.
        tensors: As for `in_checkpoint`. None: no checkpoint is at hand.

    Returns:
        As `in_checkpoint`; without a checkpoint each name as it is.

    Raises:
        NotExportableError: As `in_checkpoint`.
    """
    if tensors is None:
        return {module: module for module in modules}
    return in_checkpoint(modules, tensors)


def in_checkpoint(modules: Collection[str], tensors: Collection[str]) -> dict[str, str]:
    """Find each module among the tensors of a checkpoint.

    Args:
        modules: Full dotted names, as transformers has them.
        tensors: Names of all tensors.

    Returns:
        The checkpoint's name of each module: the one that holds tensors and ends as the module's
        does for longest, as it is or renamed; of several, the one that shares most of the rest.
        What lies inside experts that are one tensor goes by the name of these experts.

    Raises:
        NotExportableError: One is not there, or two might be meant.
    """
    holders: dict[str, set[str]] = defaultdict(set)
    for holder in {holder for name in tensors for holder in _holders(name)}:
        holders[holder.rpartition(".")[2]].add(holder)
    return {module: _name(module, holders) for module in modules}


def _holders(tensor: str) -> Iterator[str]:
    """Every module that a tensor lies in."""
    position = tensor.rfind(".")
    while position > 0:
        yield tensor[:position]
        position = tensor.rfind(".", 0, position)


def _name(module: str, holders: Holders) -> str:
    if (found := _found(module, holders)) is not None:
        return found
    experts, inside = inside_experts(module)
    if experts and (found := _found(experts, holders)) is not None:
        return f"{found}.{inside}"
    raise NotExportableError(
        f"the checkpoint has no tensor in {printable(module)}, nor in anything that ends so. "
        "Give the checkpoint that was measured. Where a file is written, the report's own file, "
        "named in the place of the folder, leaves names as they are."
    )


def _found(module: str, holders: Holders) -> str | None:
    for spelling in _spellings(module):
        named_alike = holders.get(spelling.rpartition(".")[2], ())
        for ending in _endings(spelling):
            ends_so = [n for n in named_alike if n == ending or n.endswith(f".{ending}")]
            if ends_so:
                return _nearest(spelling, sorted(ends_so))
    return None


def _nearest(module: str, candidates: list[str]) -> str:
    """The candidate that has most parts of the module's name; two of them are one too many."""
    if module in candidates:
        return module
    parts = set(module.split("."))
    candidates.sort(key=lambda name: -len(parts.intersection(name.split("."))))
    first, *others = candidates
    shared = len(parts.intersection(first.split(".")))
    if others and len(parts.intersection(others[0].split("."))) == shared:
        raise NotExportableError(
            f"{printable(module)} may be {printable(first)} or {printable(others[0])} in the "
            "checkpoint. Save it with transformers, and measure that."
        )
    return first


def _spellings(module: str) -> Iterator[str]:
    """The name, then every one that files may have for it."""
    parts, start = module.split("."), _layer(module)
    experts, _ = inside_experts(module)
    renamed = RENAMED | RENAMED_IN_EXPERTS if experts else RENAMED
    words = [
        (word, *(renamed.get(word, ()) if position > start else ()))
        for position, word in enumerate(parts)
    ]
    yield from map(".".join, product(*words))


def _endings(module: str) -> Iterator[str]:
    """The name, then without its first parts, down to where its layer is told by a number."""
    parts = module.split(".")
    for start in range(_layer(module) + 1):
        yield ".".join(parts[start:])


def _layer(module: str) -> int:
    """Where in a name its layer's number stands; 0 in a name without one."""
    numbers = (n for n, part in enumerate(module.split(".")) if part.isdecimal())
    return next(numbers, 0)
