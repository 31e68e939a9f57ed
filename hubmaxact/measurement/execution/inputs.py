"""One batch as tensors: ids to run, which token each flat position is, what rows belong to.

A batch is made while the one before it runs, and nothing of it waits for the device.

B sequences, L tokens padded.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hubmaxact.measurement.anatomy.site import Site
from hubmaxact.measurement.anatomy.token_layout import Routed, rows_by_token
from hubmaxact.measurement.batch_plan import Batch
from hubmaxact.measurement.statistics.rows import Tokens
from hubmaxact.measurement.statistics.stretches import stretch_of
from hubmaxact.measurement.statistics.watched import Watched


@dataclass(frozen=True, slots=True)
class Input:
    """One batch as tensors: ids to run, and which token each flat position is."""

    batch: Batch
    ids_BL: Tensor
    tokens: Tokens  # over all B*L positions, padding included
    kept: Tensor | None  # bool (B*L,): real tokens; None when nothing is padding
    rows: Tensor | None  # flat positions of real tokens; None when nothing is padding


Ids = Sequence[npt.NDArray[np.int32]]


@contextmanager
def inputs_ahead(
    batches: Sequence[Batch], ids: Ids, device: torch.device
) -> Iterator[Iterator[Input]]:
    """Make each batch's input in a thread, one ahead of the batch that is asked for and no more.

    Whoever leaves the block early waits for the one input that is being made.

    Args:
        batches: Those that are run, in their order.
        ids: Token ids of every sample, shape (tokens,) each.
        device: Where the model takes its ids.

    Yields:
        Their inputs in the same order; asking for one raises what making it raised.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="inputs") as thread:
        yield _one_ahead(thread, batches, ids, device)


def _one_ahead(
    thread: ThreadPoolExecutor, batches: Sequence[Batch], ids: Ids, device: torch.device
) -> Iterator[Input]:
    begun = [thread.submit(make_input, batch, ids, device) for batch in batches[:1]]
    for _, following in zip_longest(batches, batches[1:]):
        ready = begun.pop().result()
        if following is not None:
            begun.append(thread.submit(make_input, following, ids, device))
        yield ready


def make_input(batch: Batch, ids: Ids, device: torch.device) -> Input:
    """Right-pad each sample with its own first id; a causal model never looks at it."""
    rows = [ids[sample] for sample in batch.samples]
    padded = np.zeros((len(rows), batch.length), dtype=np.int64)
    mask = np.zeros(padded.shape, dtype=bool)
    for row, tokens in enumerate(rows):
        padded[row] = tokens[0]
        padded[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = True
    distinct, group = np.unique(padded, return_inverse=True)
    sample, position = np.indices(padded.shape)
    stretch = stretch_of(np.asarray(batch.samples)[sample], position)
    columns = (stretch, position, padded, group)
    flat = np.stack([column.reshape(-1) for column in columns])
    is_whole = mask.all()
    return Input(
        batch,
        _on_device(padded, device),
        Tokens(_on_device(flat, device), len(distinct)),
        None if is_whole else _on_device(mask.reshape(-1), device),
        # Found here: a device would have to be waited for to say how many there are.
        None if is_whole else _on_device(np.flatnonzero(mask), device),
    )


def _on_device(
    array: npt.NDArray[np.int64] | npt.NDArray[np.bool_], device: torch.device
) -> Tensor:
    """An array as a tensor, its copy queued behind what the device still does."""
    tensor = torch.from_numpy(array)
    if device.type == "cuda":  # from memory that the system may move, CUDA copies while it waits
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def watched_at(site: Site, x: Tensor, routed: Routed | None, batch: Input) -> Watched:
    """Say what the rows of a watched tensor belong to.

    Args:
        site: Where it is seen.
        x: The tensor.
        routed: What each row inside experts belongs to; None elsewhere.
        batch: The one that runs.

    Returns:
        The tensor with what tells its rows apart, all on its own device.
    """
    token_R, expert_R = (None, None) if routed is None else routed[:2]
    if routed is None:
        assert site.layout is not None
        x = rows_by_token(x, site.layout, *batch.ids_BL.shape)
    found = Watched(
        x,
        batch.tokens,
        batch.batch.split,
        kept_P=batch.kept,
        position_T=batch.rows,
        token_R=token_R,
        expert_R=expert_R,
    )
    return found if batch.ids_BL.device == x.device else found.to(x.device)
