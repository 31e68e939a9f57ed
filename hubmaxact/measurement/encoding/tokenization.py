"""Texts to token ids with the checkpoint's own tokenizer; no chat template is applied.

What surrounds a text is found by encoding a probe string, never by trusting a config field.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from threading import Event

import numpy as np
import numpy.typing as npt
from transformers import PreTrainedTokenizerBase

from hubmaxact.corpus import Corpus
from hubmaxact.errors import CorpusError, UnsafeCheckpointError, VocabularyError
from hubmaxact.measurement.failures.memory import ran_out
from hubmaxact.measurement.failures.own_error import reason
from hubmaxact.printable import counted

PROBE = "a"
CHUNK = 256  # texts per tokenizer call


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Encoded texts: int32 ids per sample, with special tokens counted as tokens."""

    ids: tuple[npt.NDArray[np.int32], ...]
    domains: tuple[str, ...]
    bos_added: bool

    @property
    def lengths(self) -> tuple[int, ...]:
        """Tokens per sample."""
        return tuple(len(ids) for ids in self.ids)


def encode(
    tokenizer: PreTrainedTokenizerBase,
    corpus: Corpus,
    *,
    max_seq_len: int,
    special_tokens: str,
    stop: Event | None = None,
) -> Samples:
    """Encode every text, cut at `max_seq_len` tokens, special tokens included.

    Args:
        tokenizer: The checkpoint's own; its truncation is set here.
        corpus: Texts in their order.
        max_seq_len: Tokens of a text at most.
        special_tokens: "as_tokenizer": what the tokenizer adds by itself. "none": nothing.
        stop: Set by whoever wants no samples any more. None: nobody does.

    Returns:
        Ids of each text, shape (tokens,), and its domain, in the corpus's order; a text may have no
        tokens.

    Raises:
        CorpusError: No text gives a single token, or the limit leaves no room for a text.
        UnsafeCheckpointError: The tokenizer raises.
        CancelledError: It was stopped.
    """
    specials = special_tokens == "as_tokenizer"
    # A text is measured from its beginning, as far as asked, whatever the configuration prefers.
    tokenizer.truncation_side, tokenizer.model_max_length = "right", max_seq_len
    ids: list[npt.NDArray[np.int32]] = []
    for start in range(0, len(corpus.texts), CHUNK):
        if stop is not None and stop.is_set():
            raise CancelledError
        texts = [text.text for text in corpus.texts[start : start + CHUNK]]
        ids += [np.asarray(row, np.int32) for row in _ids(tokenizer, texts, specials, max_seq_len)]
    if not any(len(row) for row in ids):
        raise CorpusError(
            f"the tokenizer makes no tokens of the {counted(len(ids), 'text')} of {corpus.name}. "
            "Use another corpus, or check the tokenizer's files."
        )
    if (longest := max(map(len, ids))) > max_seq_len:
        raise CorpusError(
            f"the tokenizer makes {longest} tokens where at most {max_seq_len} were asked for: its "
            "special tokens alone need more. Raise --max-seq-len."
        )
    domains = tuple(text.domain for text in corpus.texts)
    return Samples(tuple(ids), domains, specials and adds_bos(tokenizer))


def _ids(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], specials: bool, max_seq_len: int
) -> Sequence[Sequence[int]]:
    try:
        encoded: Sequence[Sequence[int]] = tokenizer(
            list(texts), add_special_tokens=specials, truncation=True, max_length=max_seq_len
        )["input_ids"]
    except Exception as error:  # tokenizers raises Exception itself
        if ran_out(error):
            raise
        raise UnsafeCheckpointError(
            f"the checkpoint's tokenizer ({type(tokenizer).__name__}) cannot encode texts: "
            f"{reason(error)}. Compare its files, tokenizer_class in tokenizer_config.json first, "
            "with those the model was released with."
        ) from error
    return encoded


def adds_bos(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the tokenizer puts a token before a text."""
    with_specials = tokenizer(PROBE, add_special_tokens=True)["input_ids"]
    without = tokenizer(PROBE, add_special_tokens=False)["input_ids"]
    return len(with_specials) > len(without) and with_specials[: len(without)] != without


def check_vocabulary(tokenizer: PreTrainedTokenizerBase, num_embeddings: int) -> None:
    """Refuse a tokenizer whose ordinary ids the embedding has no row for.

    Special tokens may lie beyond it: Gemma 3 shares one tokenizer, with an image token, between
    sizes that see images and sizes that do not. What a text then really holds, `check_ids` sees.

    Args:
        tokenizer: The checkpoint's own.
        num_embeddings: Rows of the embedding.

    Raises:
        VocabularyError: The tokenizer's largest ordinary id is not below `num_embeddings`.
    """
    special = _special_ids(tokenizer)
    ordinary = ((i, token) for token, i in tokenizer.get_vocab().items() if i not in special)
    largest, token = max(ordinary, default=(-1, ""))
    if largest >= num_embeddings:
        raise VocabularyError(
            f"the tokenizer's largest id is {largest} ({token!r}) and the embedding has only "
            f"{num_embeddings} rows. Use the tokenizer that belongs to this checkpoint."
        )


def _special_ids(tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """Ids of special tokens; the class that reads tekken.json keeps no table of them."""
    added = tokenizer.added_tokens_decoder
    if not isinstance(added, Mapping):
        return set(tokenizer.all_special_ids)
    return {i for i, token in added.items() if token.special}


def check_ids(tokenizer: PreTrainedTokenizerBase, samples: Samples, num_embeddings: int) -> None:
    """Refuse texts that became an id the embedding has no row for.

    Args:
        tokenizer: The checkpoint's own, for the message.
        samples: Encoded texts.
        num_embeddings: Rows of the embedding.

    Raises:
        VocabularyError: Names the first such text and its token.
    """
    for sample, ids in enumerate(samples.ids):
        largest = int(ids.max(initial=-1))
        if largest >= num_embeddings:
            token = tokenizer.convert_ids_to_tokens(largest)
            raise VocabularyError(
                f"text {sample} holds the special token {token!r} (id {largest}) and the embedding "
                f"has only {num_embeddings} rows. Leave that text out of the corpus."
            )
