"""One batch as tensors: ids to run, and which token each flat position is.

B sequences, L tokens padded.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hubmaxact.measurement.batch_plan import Batch
from hubmaxact.measurement.statistics.rows import Tokens


@dataclass(frozen=True, slots=True)
class Input:
    """One batch as tensors: ids to run, and which token each flat position is."""

    batch: Batch
    ids_BL: Tensor
    tokens: Tokens  # over all B*L positions, padding included
    kept: Tensor | None  # bool (B*L,): real tokens; None when nothing is padding
    rows: Tensor | None  # flat positions of real tokens; None when nothing is padding


def make_input(batch: Batch, ids: Sequence[npt.NDArray[np.int32]], device: torch.device) -> Input:
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
    columns = (np.asarray(batch.samples)[sample], position, padded, group)
    flat = torch.from_numpy(np.stack([column.reshape(-1) for column in columns])).to(device)
    kept = None if mask.all() else torch.from_numpy(mask.reshape(-1)).to(device)
    return Input(
        batch,
        torch.from_numpy(padded).to(device),
        Tokens(flat, len(distinct)),
        kept,
        None if kept is None else kept.nonzero().flatten(),
    )
