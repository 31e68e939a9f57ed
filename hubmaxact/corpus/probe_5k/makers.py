"""The corpus made ahead, by processes beside this one, which has libraries to load meanwhile.

What they make is compared with its pins like what is made here, so nothing rests on them: a window
that none of them brings is made here.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial

from hubmaxact.corpus.probe_5k.pins import NAME, WINDOW, load, make_window
from hubmaxact.corpus.probe_5k.places import NUM_TEXTS, places
from hubmaxact.corpus.texts import Corpus, Text, check_num_samples

FEWEST = 4
"""Windows that are worth a process: to make them takes five times as long as to start it."""
MOST = 8
"""Processes: with more, this one would wait for its own libraries all the same."""


@contextmanager
def ahead(num_samples: int | None = None) -> Iterator[Callable[[], Corpus]]:
    """Begin to make the corpus or its first texts.

    Args:
        num_samples: Texts to take, from the first. None: all.

    Yields:
        What waits for them, and returns or raises as `load`. With the block, the processes end.

    Raises:
        CorpusError: More texts are asked for than there are.
    """
    num_windows = -(-check_num_samples(num_samples, NUM_TEXTS, NAME) // WINDOW)
    num_makers = min(MOST, _num_cores() // 2, num_windows // FEWEST)
    if num_makers < 1:
        yield partial(load, num_samples)
        return
    told: dict[int, bytes] = {}
    with ExitStack() as held:
        shares = [range(n, num_windows, num_makers) for n in range(num_makers)]
        makers = [_maker(held, share) for share in shares]
        readers = held.enter_context(ThreadPoolExecutor(num_makers))
        for maker, share in zip(makers, shares, strict=True):
            held.callback(maker.kill)  # before its reader and itself are waited for
            readers.submit(_read, maker, share, told)
        yield lambda: load(num_samples, _windows(num_windows, told).__getitem__)


def _num_cores() -> int:
    """How many this process may use, where the system tells."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _maker(held: ExitStack, numbers: range) -> "subprocess.Popen[bytes]":
    """Start a process that makes some windows."""
    words = map(str, (numbers.start, numbers.stop, numbers.step))
    return held.enter_context(
        subprocess.Popen(  # noqa: S603 our own interpreter and module
            [sys.executable, "-P", "-m", "hubmaxact.corpus.probe_5k", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for this process, which ends that one
        )
    )


def _read(maker: "subprocess.Popen[bytes]", numbers: range, told: dict[int, bytes]) -> None:
    """Take each window as soon as it is told."""
    assert maker.stdout is not None
    for number, line in zip(numbers, maker.stdout, strict=False):
        if not line.endswith(b"\n"):  # it ended in the middle of one
            return
        told[number] = line


def _windows(num_windows: int, told: Mapping[int, bytes]) -> dict[int, tuple[Text, ...]]:
    """All windows: from the last, as the others come from the first, until they meet."""
    return {
        number: _parsed(number, told[number]) if number in told else make_window(number)
        for number in reversed(range(num_windows))
    }


def _parsed(number: int, line: bytes) -> tuple[Text, ...]:
    here = places()[number * WINDOW : (number + 1) * WINDOW]
    texts = json.loads(line)
    return tuple(Text(text, place.domain) for text, place in zip(texts, here, strict=True))
