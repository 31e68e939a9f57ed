"""A checkpoint's own tokenizer, from whichever files hold it; a package that it needs is named."""

from typing import Any

import transformers

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.measurement.checkpoint.own_code import tokenizer_class
from hubmaxact.measurement.checkpoint.tokenizer_files import (
    TEKKEN,
    WHOLE,
    fault,
    fault_without_json,
)
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.measurement.failures.memory import ran_out
from hubmaxact.measurement.failures.own_error import reason
from hubmaxact.recognition.own_code import OwnCode


def load_tokenizer(
    files: WeightFiles, code: OwnCode | None = None
) -> transformers.PreTrainedTokenizerBase:
    """Load the tokenizer that lies beside the weights, an adapter's own if it has one.

    Args:
        files: What `inspect` found sound.
        code: What of the checkpoint's code is run. None: nothing.

    Returns:
        The tokenizer, of whatever class.

    Raises:
        UnsafeCheckpointError: It needs code of its own or a package that is not installed, or it is
            damaged.
    """
    options = _options_of_base(files)
    files = files.beside_tokenizer
    chosen = tokenizer_class(files, code)
    # Converted, a tekken.json would lose the token that begins every text.
    only_tekken = (files.folder / TEKKEN).is_file() and not (files.folder / WHOLE).is_file()
    # Beside a tokenizer.json it is never read: what is installed must not decide about ids.
    options |= {"mistral_format": only_tekken, "trust_remote_code": False}
    if only_tekken and (found := fault_without_json(files)):
        raise found
    try:
        tokenizer: transformers.PreTrainedTokenizerBase = chosen.from_pretrained(
            str(files.folder),
            local_files_only=True,
            **(options if chosen is transformers.AutoTokenizer else {}),
        )
    except Exception as error:  # tokenizers raises Exception itself, transformers KeyError and more
        if ran_out(error):
            raise
        if found := fault(files):
            raise found from error
        raise UnsafeCheckpointError(
            f"the tokenizer of {files.name} cannot be loaded: {reason(error)}. "
            "Put the checkpoint's own tokenizer files beside the weights."
        ) from error
    return tokenizer


def _options_of_base(files: WeightFiles) -> dict[str, Any]:
    """What an adapter's folder does not say of its tokenizer: the model that it is for."""
    if files.beside_tokenizer is files:
        return {}
    return {
        "config": transformers.AutoConfig.from_pretrained(
            str(files.folder), local_files_only=True, trust_remote_code=False
        )
    }
