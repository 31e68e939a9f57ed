"""How each tool decides that a module is to be left alone, and what makes it leave exactly these.

Names of modules hold letters, digits, `_`, `-` and dots only, as a report's schema has it.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from hubmaxact.engine_files.expert_modules import experts_of

HEAD = "lm_head"
"""Left alone by every tool unless it is given a list, and so in every list."""


class Rule(NamedTuple):
    """A tool, and what it takes."""

    tool: str
    lists: Callable[[Sequence[str]], dict[str, Any]]


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


def _modelopt(modules: Sequence[str]) -> dict[str, Any]:
    """Globs: over modules in its files, over quantizers where it quantizes; the last one wins."""
    names = _unique([*map(_plain, modules)])
    inside = [f"{experts}.*" for m in modules if (experts := experts_of(m))]
    quantizers = [f"*{HEAD}*", *(f"{name}.*" for name in names)]
    return {
        "exclude_modules": _unique([HEAD, *names, *inside]),
        "quant_cfg": [{"quantizer_name": name, "enable": False} for name in quantizers],
    }


def _transformers(modules: Sequence[str]) -> dict[str, Any]:
    """A prefix up to a dot, or a suffix; a list of one's own drops the head it skips by itself."""
    return {"modules_to_not_convert": _unique([HEAD, *map(_plain, modules)])}


def _torchao(modules: Sequence[str]) -> dict[str, Any]:
    """Names or `re:` with re.fullmatch to a configuration; null leaves a module alone."""
    return {"fqn_to_config": dict.fromkeys([HEAD, *map(_regex, modules)])}


RULES = (
    Rule("compressed-tensors", _compressed_tensors),
    Rule("modelopt", _modelopt),
    Rule("transformers", _transformers),
    Rule("torchao", _torchao),
)
"""Every tool, by the name that an exported list has."""
