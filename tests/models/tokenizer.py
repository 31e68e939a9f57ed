"""The byte-level BPE tokenizer of the two small models, trained on the texts they train on.

Every byte is in the vocabulary and nothing is normalized, so decoding gives the text back. The
post-processor puts <|bos|> first; nothing else is ever added.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

BOS, EOS, PAD = "<|bos|>", "<|eos|>", "<|pad|>"
SPECIAL_TOKENS = [BOS, EOS, PAD]  # their ids are their positions here
BOS_ID, EOS_ID, PAD_ID = range(3)

# A word with its accents and at most one leading space; one digit; a run of other signs; white
# space, leaving the last space to the word that follows.
PIECE = r" ?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+|\s+(?!\S)|\s+"


def train(texts: Sequence[str], vocab_size: int) -> Tokenizer:
    """Return a tokenizer of exactly `vocab_size` ids, special tokens included."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECE), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B", special_tokens=[(BOS, BOS_ID)]
    )
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=SPECIAL_TOKENS,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            max_token_length=16,
            show_progress=False,
        ),
    )
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path, max_length: int) -> None:
    """Write tokenizer.json and tokenizer_config.json, as AutoTokenizer reads them.

    add_bos_token stays out: a value there makes transformers rebuild the post-processor.
    """
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BOS,
        "eos_token": EOS,
        "pad_token": PAD,
        "clean_up_tokenization_spaces": False,
        "model_max_length": max_length,
        "padding_side": "right",
    }
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


def bytes_per_token(tokenizer: Tokenizer) -> np.ndarray:
    """How many bytes of text each id stands for, shape (vocabulary,); special tokens none."""
    tokens = [tokenizer.id_to_token(token) for token in range(tokenizer.get_vocab_size())]
    # In the byte-level alphabet one character is one byte.
    return np.array([0 if token in SPECIAL_TOKENS else len(token) for token in tokens])
