"""A checkpoint's JSON files as hostile input: read in bounds, and refused where they lead to
other repositories' code or to endless work.

Knows configurations; knows nothing of weights.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.printable import printable, shown

CONFIG = "config.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
CODE_KEYS = ("auto_map", "custom_pipelines")
KERNEL_KEYS = ("attn_implementation", "_attn_implementation", "experts_implementation")
MOST = {
    "num_hidden_layers": 4096,
    "num_labels": 1_000_000,
    "num_experts": 100_000,
    "num_local_experts": 100_000,
    "n_routed_experts": 100_000,
    "moe_num_experts": 100_000,
}
"""What transformers builds one by one, before it compares anything with the weights."""

DTYPE = re.compile(r"auto|half|double|bfloat16|float(16|32|64)|u?int(8|16|32|64)|float[48]_\w+")
"""Names of torch's number formats; which of them a model can run in is decided elsewhere."""


class Entry(NamedTuple):
    """What an entry of a configuration holds where it is no null."""

    kind: str
    is_sound: Callable[[Any], bool]


NAME = Entry("a short name", lambda v: isinstance(v, str) and bool(re.fullmatch(r"[\w.+-]+", v)))
NUMBER_FORMAT = Entry(
    "the name of one of torch's number formats, such as bfloat16",
    lambda v: isinstance(v, dict) or (isinstance(v, str) and bool(DTYPE.fullmatch(v))),
)
POSITIVE = Entry("a whole number above 0", lambda v: not isinstance(v, int) or v > 0)
CODE = Entry("an object", lambda v: isinstance(v, dict | list))
ENTRIES = {
    CONFIG: {
        "model_type": NAME,
        "architectures": Entry(
            "an array of names",
            lambda v: isinstance(v, list) and all(isinstance(name, str) for name in v),
        ),
        "auto_map": CODE,
        "dtype": NUMBER_FORMAT,
        "torch_dtype": NUMBER_FORMAT,
        "hidden_size": POSITIVE,
        "vocab_size": POSITIVE,
        "num_hidden_layers": POSITIVE,
        "max_position_embeddings": POSITIVE,
    },
    TOKENIZER_CONFIG: {
        "auto_map": CODE,
        "tokenizer_class": NAME,
        "added_tokens_decoder": Entry("an object", lambda v: isinstance(v, dict)),
    },
}
"""What transformers passes over without a word, or stumbles over far from its cause; what else it
makes of a wrong value it says itself.
"""

NEVER_NULL = ("model_type", "auto_map")

LONGEST_LIST = 200  # characters
MOST_JSON_BYTES = 100_000_000


def read_json(folder: Path, name: str) -> dict[str, Any]:
    """Read one JSON object of the folder.

    Args:
        folder: Of a checkpoint.
        name: File in it, whoever wrote it.

    Returns:
        The object; what is in it may be anything.

    Raises:
        UnsafeCheckpointError: It is missing, too large, or no JSON object.
    """
    path = folder / name
    if not path.is_file():
        raise UnsafeCheckpointError(
            f"{folder} has no {name}. Give the folder of a transformers checkpoint."
        )
    if path.stat().st_size > MOST_JSON_BYTES:
        raise UnsafeCheckpointError(f"{name} is larger than {MOST_JSON_BYTES} bytes.")
    try:
        document = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UnsafeCheckpointError(f"{name} is not JSON. Save the checkpoint again.") from error
    if not isinstance(document, dict):
        raise UnsafeCheckpointError(f"{name} is not a JSON object. Save the checkpoint again.")
    return document


def code_asked_for(folder: Path, config: dict[str, Any]) -> tuple[str, ...]:
    """Which of a checkpoint's documents name code of its own, which is never run.

    Args:
        folder: Of the checkpoint; its tokenizer's configuration is looked at too.
        config: The content of config.json.

    Returns:
        "config.json", "tokenizer_config.json", both or neither.
    """
    documents = {CONFIG: [config, *_nested(config)]}
    if (folder / TOKENIZER_CONFIG).is_file():
        documents[TOKENIZER_CONFIG] = [read_json(folder, TOKENIZER_CONFIG)]
    return tuple(
        name
        for name, parts in documents.items()
        if any(part.get(key) for part in parts for key in CODE_KEYS)
    )


def refuse_foreign_code(config: dict[str, Any]) -> None:
    """Refuse a checkpoint that transformers would fetch another repository's code for.

    Args:
        config: The content of config.json.

    Raises:
        UnsafeCheckpointError: Names the code.
    """
    if kernel := _foreign_kernel(config):
        raise UnsafeCheckpointError(
            f"{CONFIG} asks for code from another repository ({ascii(kernel)[:80]}), and hubmaxact "
            "never runs such code. Remove that entry."
        )


def refuse_endless(config: dict[str, Any]) -> None:
    """Refuse a few bytes of configuration that would keep a machine busy for hours.

    Args:
        config: The content of config.json.

    Raises:
        UnsafeCheckpointError: Names the number.
    """
    for part in (config, *_nested(config)):
        for key, most in MOST.items():
            asked = part.get(key)
            if isinstance(asked, int | float) and asked > most:
                raise UnsafeCheckpointError(
                    f"{CONFIG} asks for {key} {asked:.3g}, and at most {most} are built here. "
                    "Compare it with the configuration the model was released with."
                )


def refuse_damaged(document: dict[str, Any], name: str) -> None:
    """Refuse entries of a configuration that cannot be what its model was released with.

    Args:
        document: The file's content.
        name: The file's, one of ENTRIES.

    Raises:
        UnsafeCheckpointError: Names the first such entry and what belongs there.
    """
    for key, entry in ENTRIES[name].items():
        if key in document and not _is_sound(key, document[key], entry):
            raise UnsafeCheckpointError(
                f"{name} holds {shown(document[key])} as its {key}, where {entry.kind} belongs. "
                "Compare it with the one the model was released with, or remove that entry."
            )


def _is_sound(key: str, value: object, entry: Entry) -> bool:
    return key not in NEVER_NULL if value is None else entry.is_sound(value)


def _nested(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Configurations inside a configuration, at any depth."""
    for value in config.values():
        if isinstance(value, dict):
            yield value
            yield from _nested(value)


def _foreign_kernel(config: dict[str, Any]) -> str | None:
    """An attention or experts implementation that transformers would fetch from the Hub."""
    named = (each.get(key) for each in (config, *_nested(config)) for key in KERNEL_KEYS)
    return next((str(value) for value in named if "/" in str(value)), None)


def listed(paths: Iterable[Path]) -> str:
    """File names on one safe line, cut where it grows long."""
    return printable(", ".join(sorted(path.name for path in paths)), LONGEST_LIST)
