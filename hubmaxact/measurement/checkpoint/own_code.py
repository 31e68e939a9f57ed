"""Code that a checkpoint brings along: whether transformers can do without it, and its classes.

Repositories keep `auto_map` and its files from the days before transformers had the architecture.
What nothing native does without is run only when that was asked for, in a process of its own.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import transformers
from transformers.dynamic_module_utils import get_class_from_dynamic_module

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
from hubmaxact.measurement.failures.memory import ran_out
from hubmaxact.measurement.failures.own_error import reason
from hubmaxact.printable import printable
from hubmaxact.recognition.folder import Folder
from hubmaxact.recognition.own_code import OwnCode, code_files

READ_WITHOUT = ("tokenizer.json", "tekken.json")
"""Tokenizers that hold everything: whatever class reads them gives the same ids."""


MODELS = ("AutoModelForCausalLM", "AutoModel")
"""Entries of an auto_map that name a decoder, the one with a head first."""

WHEN_ASKED = (
    "or run the code of a Hub repository with --trust-remote-code, which needs a full commit hash "
    "as --revision"
)


def needed_code(folder: Path, config: dict[str, Any]) -> OwnCode | None:
    """Find out what of a checkpoint's code transformers cannot do without.

    Args:
        folder: Of the checkpoint; its weights and its code need not be there yet.
        config: The content of its config.json.

    Returns:
        The classes, no file of them read. None: transformers has its own.

    Raises:
        UnsafeCheckpointError: No class is named that could be run.
    """
    model = tokenizer = None
    if not _is_native(config) and CONFIG in code_asked_for(folder, config):
        model = _named(config.get("auto_map"), MODELS)
        if model is None:
            raise UnsafeCheckpointError(
                f"{CONFIG} asks for custom code and names no {' and no '.join(MODELS)} in its "
                "auto_map. Use a conversion to an architecture that transformers has."
            )
    if (asking := _own_tokenizer(folder, config)) is not None:
        tokenizer = _named(asking["auto_map"], ["AutoTokenizer"])
    return OwnCode(model, tokenizer) if model or tokenizer else None


def own_code(listing: Folder, config: dict[str, Any]) -> OwnCode | None:
    """Find what of a checkpoint's code is to be run, with the files that hold it.

    Args:
        listing: The checkpoint's folder.
        config: The content of its config.json.

    Returns:
        Classes and files. None: transformers has classes of its own.

    Raises:
        UnsafeCheckpointError: The code lies elsewhere, or is not fit to be run.
        HubError: Offline, a file of it is not in the cache.
    """
    code = needed_code(listing.folder, config)
    if code is None:
        return None
    return replace(code, files=code_files(listing, code.classes))


def model_class(folder: Path, config: dict[str, Any], code: OwnCode | None = None) -> Any:
    """The class that the checkpoint names; else transformers' own choice for its model type.

    Args:
        folder: Of the checkpoint; its weights need not be there yet.
        config: The content of its config.json.
        code: What of the checkpoint's code is run, which this process is made for. None: nothing.

    Returns:
        A class of transformers with `from_pretrained`, or of the checkpoint's own.

    Raises:
        UnsafeCheckpointError: Only code of the checkpoint's own knows the architecture, or nothing
            does, or that code cannot be imported.
        UnknownAnatomyError: It is no model of text, or an encoder-decoder.
    """
    if code is not None and code.model is not None:
        return _imported(folder, code.model, transformers.PreTrainedModel)
    names, model_type = config.get("architectures") or [], config.get("model_type")
    if not _is_native(config) and CONFIG in code_asked_for(folder, config):
        raise UnsafeCheckpointError(
            f"{CONFIG} asks for custom code{_scripts(folder)}, and hubmaxact runs a checkpoint's "
            f"code only when asked to; transformers {transformers.__version__} itself has no "
            f"architecture of model type {ascii(model_type)[:40]}. Upgrade transformers, use a "
            f"conversion to an architecture that it has, {WHEN_ASKED}."
        )
    if (found := named_class(config)) is not None:
        refuse_other_kind(found)
        return found
    if not _is_native(config):
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


def tokenizer_class(files: WeightFiles, code: OwnCode | None = None) -> Any:
    """The class of a tokenizer that is the checkpoint's own; else transformers' choice.

    Args:
        files: What `inspect` found sound.
        code: As in `model_class`.

    Returns:
        A class with `from_pretrained`.

    Raises:
        UnsafeCheckpointError: Only code of the checkpoint's own can read it; the class is named.
    """
    if code is not None and code.tokenizer is not None:
        return _imported(files.folder, code.tokenizer, transformers.PreTrainedTokenizerBase)
    if (asking := _own_tokenizer(files.folder, files.config)) is not None:
        name = ascii(str(asking.get("tokenizer_class")))[:60]
        raise UnsafeCheckpointError(
            f"the tokenizer of {files.name} asks for custom code ({name}), and hubmaxact runs a "
            "checkpoint's code only when asked to. Put a tokenizer.json beside the weights, "
            f"{WHEN_ASKED}."
        )
    return transformers.AutoTokenizer


def code_left_aside(
    files: WeightFiles, model: Any, tokenizer: Any, code: OwnCode | None = None
) -> tuple[str, ...]:
    """What to tell of code that was not run: nothing, or one sentence.

    Args:
        files: What `inspect` found sound.
        model: As transformers loaded it.
        tokenizer: As transformers loaded it.
        code: What was run. None: nothing.

    Returns:
        Whole sentences.
    """
    code = code or OwnCode(None, None)
    ran = {CONFIG: code.model, TOKENIZER_CONFIG: code.tokenizer}
    documents = [name for name in code_asked_for(files.folder, files.config) if not ran[name]]
    if not documents:
        return ()
    names = files.config.get("architectures") or []
    used, named = type(model).__name__, str(names[0]) if isinstance(names, list) and names else ""
    instead = f" in the place of {printable(named, 60)}" if named not in {"", used} else ""
    classes = [f"{used}{instead}"] if not ran[CONFIG] else []
    if TOKENIZER_CONFIG in documents:
        classes.append(type(tokenizer).__name__)
    asked = f"{' and '.join(documents)} asked for{_scripts(files.folder)}"
    own = f"transformers' own {' and '.join(classes)}"
    return (f"custom code that {asked} was ignored: {own} did without.",)


def _scripts(folder: Path) -> str:
    scripts = listed(folder.glob("*.py"))
    return f" ({scripts})" if scripts else ""


def _is_native(config: dict[str, Any]) -> bool:
    model_type = config.get("model_type")
    return isinstance(model_type, str) and model_type in transformers.CONFIG_MAPPING


def _named(auto_map: object, entries: Sequence[str]) -> str | None:
    """The class that an auto_map names first; of a tokenizer's two, the fast one."""
    mapped = auto_map if isinstance(auto_map, dict) else {"AutoTokenizer": auto_map}
    for entry in entries:
        named = mapped.get(entry)
        classes = reversed(named) if isinstance(named, list) else [named]
        if found := next((each for each in classes if isinstance(each, str)), None):
            return found
    return None


def _imported(folder: Path, reference: str, base: type) -> Any:
    """A class of the checkpoint's own code, which runs here and now."""
    try:
        found: Any = get_class_from_dynamic_module(reference, str(folder), local_files_only=True)
    except Exception as error:  # code may raise anything
        if ran_out(error):
            raise
        raise UnsafeCheckpointError(
            f"{reference} cannot be imported with transformers {transformers.__version__}: "
            f"{type(error).__name__}: {reason(error)}. Install the versions and packages that the "
            "code was written for."
        ) from error
    if not (isinstance(found, type) and issubclass(found, base)):
        raise UnsafeCheckpointError(f"{reference} is no class of transformers' {base.__name__}.")
    return found


def _own_tokenizer(folder: Path, config: dict[str, Any]) -> dict[str, Any] | None:
    """The document that asks for a tokenizer that only code of the checkpoint's own can read."""
    documents = [config]
    if (folder / TOKENIZER_CONFIG).is_file():
        documents.append(read_json(folder, TOKENIZER_CONFIG))
    asking = [each for each in documents if _names_tokenizer(each.get("auto_map"))]
    if not asking or any((folder / name).is_file() for name in READ_WITHOUT):
        return None
    name = str(documents[-1].get("tokenizer_class"))
    return None if _is_tokenizer(name) else {**asking[-1], "tokenizer_class": name}


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
