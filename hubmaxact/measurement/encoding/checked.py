"""Encoded texts, held against the model that they are for."""

import sys

from transformers import PreTrainedModel

from hubmaxact.corpus import Corpus
from hubmaxact.measurement.anatomy.decoder_stack import token_embedding
from hubmaxact.measurement.checkpoint.load import Loaded
from hubmaxact.measurement.encoding.encoding import Encoding
from hubmaxact.measurement.encoding.tokenization import Samples, check_ids
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.printable import counted


def encoding_of(corpus: Corpus, options: Options) -> Encoding:
    """The texts, to be encoded as the options say beside other work."""
    return Encoding(corpus, max_seq_len=options.max_seq_len, special_tokens=options.special_tokens)


def encoded(
    loaded: Loaded, encoding: Encoding, options: Options, watcher: Watcher
) -> tuple[Samples, int]:
    """Wait for the encoded texts, and check them.

    Args:
        loaded: Model and tokenizer.
        encoding: Of the texts; begun with the same tokenizer, or not at all.
        options: What the run was told.
        watcher: Hears of it.

    Returns:
        The samples, and the tokens of one at most: as many as were asked for, or the model's own
        limit if that is lower.

    Raises:
        VocabularyError: The tokenizer's ids do not fit the embedding.
    """
    max_seq_len = min(options.max_seq_len, most_positions(loaded.model))
    watcher.stage(
        f"Encoding {counted(encoding.num_texts, 'text')}, "
        f"at most {counted(max_seq_len, 'token')} of each"
    )
    samples = encoding.result(loaded.tokenizer, max_seq_len=max_seq_len)
    check_ids(loaded.tokenizer, samples, token_embedding(loaded.model).weight.shape[0])
    return samples, max_seq_len


def most_positions(model: PreTrainedModel) -> int:
    """The longest sequence the model was made for, where its configuration says so.

    RoBERTa and its kin count positions from behind the one of padding, which their table of
    positions marks: of 514, sequences have 512.
    """
    text = model.config.get_text_config(decoder=True)
    limit = getattr(text, "max_position_embeddings", None)
    if not isinstance(limit, int) or limit <= 0:
        return sys.maxsize
    tokens = model.get_input_embeddings()
    tables = (module for module in model.modules() if module is not tokens)
    paddings = [
        padding
        for table in tables
        if getattr(table, "num_embeddings", None) == limit
        and isinstance(padding := getattr(table, "padding_idx", None), int)
    ]
    return limit - 1 - max(paddings, default=-1)
