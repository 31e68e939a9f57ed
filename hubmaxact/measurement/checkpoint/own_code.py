"""Code that a checkpoint brings along: never run, and whether transformers can do without it.

Repositories keep `auto_map` and its files from the days before transformers had the architecture.
"""

from pathlib import Path
from typing import Any

import transformers

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.measurement.checkpoint.configuration import (
    CONFIG,
    TOKENIZER_CONFIG,
    code_asked_for,
    listed,
    read_json,
)
from hubmaxact.measurement.checkpoint.model_kind import named_class, refuse_other_kind
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.printable import printable

READ_WITHOUT = ("tokenizer.json", "tekken.json")
"""Tokenizers that hold everything: whatever class reads them gives the same ids."""


def model_class(folder: Path, config: dict[str, Any]) -> Any:
    """The class that the checkpoint names; else transformers' own choice for its model type.

    Args:
        folder: Of the checkpoint; its weights need not be there yet.
        config: The content of its config.json.

    Returns:
        A class of transformers with `from_pretrained`.

    Raises:
        UnsafeCheckpointError: Only code of the checkpoint's own knows the architecture, or nothing
            does.
        UnknownAnatomyError: It is no model of text, or an encoder-decoder.
    """
    names, model_type = config.get("architectures") or [], config.get("model_type")
    is_native = isinstance(model_type, str) and model_type in transformers.CONFIG_MAPPING
    if not is_native and CONFIG in code_asked_for(folder, config):
        raise UnsafeCheckpointError(
            f"{CONFIG} asks for custom code{_scripts(folder)}, and hubmaxact never runs a "
            f"checkpoint's code; transformers {transformers.__version__} itself has no "
            f"architecture of model type {ascii(model_type)[:40]}. Upgrade transformers, or use a "
            "conversion to an architecture that it has."
        )
    if (found := named_class(config)) is not None:
        refuse_other_kind(found)
        return found
    if not is_native:
        raise UnsafeCheckpointError(
            f"transformers {transformers.__version__} has no architecture {ascii(names)[:80]} of "
            f"model type {ascii(model_type)[:40]}. Upgrade transformers, or convert the checkpoint."
        )
    return _class_for(transformers.CONFIG_MAPPING[str(model_type)])


def _class_for(kind: Any) -> Any:
    """Transformers' choice for a configuration that names none: a causal model, or the bare one."""
    is_causal = kind in transformers.MODEL_FOR_CAUSAL_LM_MAPPING
    if is_causal and kind not in transformers.MODEL_FOR_MASKED_LM_MAPPING:
        return transformers.AutoModelForCausalLM
    try:
        found: Any = transformers.MODEL_MAPPING[kind]
    except (KeyError, ValueError):  # of its own table's names transformers lacks a few
        return transformers.AutoModelForCausalLM
    bare = found[0] if isinstance(found, tuple) else found
    refuse_other_kind(bare)
    return bare


def refuse_own_tokenizer(files: WeightFiles) -> None:
    """Refuse a tokenizer that only code of the checkpoint's own can read.

    Args:
        files: What `inspect` found sound.

    Raises:
        UnsafeCheckpointError: Names the class.
    """
    documents = [files.config]
    if (files.folder / TOKENIZER_CONFIG).is_file():
        documents.append(read_json(files.folder, TOKENIZER_CONFIG))
    if not any(_names_tokenizer(document.get("auto_map")) for document in documents):
        return
    if any((files.folder / name).is_file() for name in READ_WITHOUT):
        return
    name = str(documents[-1].get("tokenizer_class"))
    if not _is_tokenizer(name):
        raise UnsafeCheckpointError(
            f"the tokenizer of {files.name} asks for custom code ({ascii(name)[:60]}), and "
            "hubmaxact never runs a checkpoint's code. Put a tokenizer.json beside the weights."
        )


def code_left_aside(files: WeightFiles, model: Any, tokenizer: Any) -> tuple[str, ...]:
    """What to tell of code that was not run: nothing, or one sentence.

    Args:
        files: What `inspect` found sound.
        model: As transformers loaded it.
        tokenizer: As transformers loaded it.

    Returns:
        Whole sentences.
    """
    documents = code_asked_for(files.folder, files.config)
    if not documents:
        return ()
    names = files.config.get("architectures") or []
    used, named = type(model).__name__, str(names[0]) if isinstance(names, list) and names else ""
    instead = f" in the place of {printable(named, 60)}" if named not in {"", used} else ""
    classes = [f"{used}{instead}"]
    if TOKENIZER_CONFIG in documents:
        classes.append(type(tokenizer).__name__)
    asked = f"{' and '.join(documents)} asked for{_scripts(files.folder)}"
    own = f"transformers' own {' and '.join(classes)}"
    return (f"custom code that {asked} was ignored: {own} did without.",)


def _scripts(folder: Path) -> str:
    scripts = listed(folder.glob("*.py"))
    return f" ({scripts})" if scripts else ""


def _names_tokenizer(auto_map: object) -> bool:
    """Whether an auto_map, in either of its forms, names a class of tokenizers."""
    return isinstance(auto_map, list) or (
        isinstance(auto_map, dict) and "AutoTokenizer" in auto_map
    )


def _is_tokenizer(name: str) -> bool:
    """Whether transformers has a class of its own by this name that reads a vocabulary."""
    found = getattr(transformers, name, None) or getattr(transformers, f"{name}Fast", None)
    base = transformers.PreTrainedTokenizerBase
    return (
        isinstance(found, type)
        and issubclass(found, base)
        and not name.startswith("PreTrainedTokenizer")
    )
