"""Texts encoded in a thread while weights load: tokenizers leave the interpreter to others."""

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from types import TracebackType
from typing import Self

from transformers import PreTrainedTokenizerBase

from hubmaxact.corpus import Corpus
from hubmaxact.measurement.encoding.tokenization import Samples, encode


class Encoding:
    """A corpus that is encoded beside other work.

    A context manager: whoever leaves early waits for one call of the tokenizer.

    Args:
        corpus: The texts.
        max_seq_len: Tokens of a text at most, as far as that is known before the model.
        special_tokens: As `encode`.
    """

    def __init__(self, corpus: Corpus, *, max_seq_len: int, special_tokens: str) -> None:
        self._corpus = corpus
        self._max_seq_len, self._special_tokens = max_seq_len, special_tokens
        self._stop = Event()
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._found: Future[Samples] | None = None

    def __enter__(self) -> Self:
        """Do nothing yet: the tokenizer comes first."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, whatever is not encoded."""
        self._stop.set()
        self._pool.shutdown()

    @property
    def num_texts(self) -> int:
        """How many there are."""
        return len(self._corpus.texts)

    def begin(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Begin with a tokenizer, whose truncation is set meanwhile."""
        self._found = self._pool.submit(self._samples, tokenizer, self._max_seq_len, self._stop)

    def result(self, tokenizer: PreTrainedTokenizerBase, *, max_seq_len: int) -> Samples:
        """Wait for the samples; they are made again if a text may have fewer tokens than was said.

        Args:
            tokenizer: The one that was begun with.
            max_seq_len: Tokens of a text at most.

        Returns:
            As `encode`.

        Raises:
            CorpusError: As `encode`.
            UnsafeCheckpointError: As `encode`.
            CancelledError: The block was left.
        """
        if self._found is not None and max_seq_len == self._max_seq_len:
            return self._found.result()
        self._stop.set()
        self._pool.shutdown()
        return self._samples(tokenizer, max_seq_len)

    def _samples(
        self, tokenizer: PreTrainedTokenizerBase, max_seq_len: int, stop: Event | None = None
    ) -> Samples:
        return encode(
            tokenizer,
            self._corpus,
            max_seq_len=max_seq_len,
            special_tokens=self._special_tokens,
            stop=stop,
        )
