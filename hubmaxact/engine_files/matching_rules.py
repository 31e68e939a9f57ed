"""How each tool decides that a module is to be left alone, and what makes it leave exactly these.

Names of modules hold letters, digits, `_`, `-` and dots only, as a report's schema has it.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from hubmaxact.engine_files.expert_modules import experts_of

HEAD = "lm_head"
"""Left alone by every tool unless it is given a list, and so in every list."""


class Rule(NamedTuple):
    """A tool, what it takes, and whether that matches a checkpoint's names and not a model's."""

    tool: str
    lists: Callable[[Sequence[str]], dict[str, Any]]
    in_files: bool = False


def _regex(module: str) -> str:
    """One name for tools that match from the start and not to the end: `layers.1` is in 10 too."""
    if (experts := experts_of(module)) is None:
        return module
    # Engines run a layer's experts as one module, and quantizers know one for each expert.
    return f"re:{experts.replace('.', '[.]')}([.].*)?$"


def _plain(module: str) -> str:
    return experts_of(module) or module


def _unique(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _compressed_tensors(modules: Sequence[str]) -> dict[str, Any]:
    """Exact names, or `re:` with Python's re.match; vLLM wants all maps of a fused one alike."""
    return {"ignore": _unique([HEAD, *map(_regex, modules)])}


def _modelopt_files(modules: Sequence[str]) -> dict[str, Any]:
    """Globs over modules, which engines read with the weights."""
    inside = [f"{experts}.*" for m in modules if (experts := experts_of(m))]
    return {"exclude_modules": _unique([HEAD, *map(_plain, modules), *inside])}


def _modelopt(modules: Sequence[str]) -> dict[str, Any]:
    """Globs over quantizers, where it quantizes; the last one wins."""
    quantizers = [f"*{HEAD}*", *(f"{name}.*" for name in _unique([*map(_plain, modules)]))]
    return {"quant_cfg": [{"quantizer_name": name, "enable": False} for name in quantizers]}


def _transformers(modules: Sequence[str]) -> dict[str, Any]:
    """A prefix up to a dot, or a suffix; a list of one's own drops the head it skips by itself."""
    return {"modules_to_not_convert": _unique([HEAD, *map(_plain, modules)])}


def _torchao(modules: Sequence[str]) -> dict[str, Any]:
    """Names or `re:` with re.fullmatch to a configuration; null leaves a module alone."""
    return {"fqn_to_config": dict.fromkeys([HEAD, *map(_regex, modules)])}


RULES = (
    Rule("compressed-tensors", _compressed_tensors),
    Rule("modelopt", _modelopt_files, in_files=True),
    Rule("modelopt", _modelopt),
    Rule("transformers", _transformers),
    Rule("torchao", _torchao),
)
"""Every tool, by the name that an exported list has."""


def lists_of(modules: Sequence[str], stored: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what each tool takes.

    Args:
        modules: Full names as a model in memory has them, which quantizers match.
        stored: The same modules as a checkpoint names them.

    Returns:
        Lists by tool and by the key that it has for them.
    """
    found: dict[str, dict[str, Any]] = {}
    for rule in RULES:
        names = stored if rule.in_files else modules
        found[rule.tool] = found.get(rule.tool, {}) | rule.lists(names)
    return found
