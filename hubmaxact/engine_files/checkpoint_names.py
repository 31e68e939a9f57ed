"""What a checkpoint calls the modules that a report names as transformers does.

transformers renames on loading: `transformer.h.0.attn` may be `h.0.attn` in the files, and
`model.language_model.layers.0` be `language_model.model.layers.0`. Scales go by the files' names.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from hubmaxact.engine_files.request import NotExportableError
from hubmaxact.printable import printable


def in_checkpoint(modules: Collection[str], tensors: Collection[str]) -> dict[str, str]:
    """Find each module among the tensors of a checkpoint.

    Args:
        modules: Full dotted names, as transformers has them.
        tensors: Names of all tensors.

    Returns:
        The checkpoint's name of each module: the one that holds tensors and ends as the module's
        does for longest; of several, the one that shares most of the rest.

    Raises:
        NotExportableError: One is not there, or two might be meant.
    """
    by_last: dict[str, set[str]] = defaultdict(set)
    for holder in {holder for name in tensors for holder in _holders(name)}:
        by_last[holder.rpartition(".")[2]].add(holder)
    return {module: _found(module, by_last) for module in modules}


def _holders(tensor: str) -> Iterator[str]:
    """Every module that a tensor lies in."""
    position = tensor.rfind(".")
    while position > 0:
        yield tensor[:position]
        position = tensor.rfind(".", 0, position)


def _found(module: str, by_last: Mapping[str, Collection[str]]) -> str:
    named_alike = by_last.get(module.rpartition(".")[2], ())
    for ending in _endings(module):
        ends_so = [n for n in named_alike if n == ending or n.endswith(f".{ending}")]
        if ends_so:
            return _nearest(module, sorted(ends_so))
    raise NotExportableError(
        f"the checkpoint has no tensor in {printable(module)}, nor in anything that ends so. "
        "Give the checkpoint that was measured."
    )


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


def _endings(module: str) -> Iterator[str]:
    """The name, then without its first parts, down to where its layer is told by a number."""
    parts = module.split(".")
    numbers = [position for position, part in enumerate(parts) if part.isdecimal()]
    for start in range((numbers[0] if numbers else 0) + 1):
        yield ".".join(parts[start:])
