"""From token ids to what a model is given: windows that never cross from one text into the next.

Every window starts with <|bos|> and is right-padded; a causal model needs no mask for that, and
padding carries no label. Shapes: B windows, L tokens of a window.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from tokenizer import BOS_ID, EOS_ID, PAD_ID
from torch import Tensor
from torch.nn import functional

IGNORED = -100  # what cross_entropy ignores by default
TOKENS_PER_BATCH = 65_536


def shifted(window_BL: Tensor, *, inside_BL: Tensor) -> tuple[Tensor, Tensor]:
    """Return inputs (<|bos|> first, the last token dropped) and labels, both (B, L)."""
    padded_BL = torch.where(inside_BL, window_BL, PAD_ID)
    inputs_BL = functional.pad(padded_BL[:, :-1], (1, 0), value=BOS_ID)
    return inputs_BL, torch.where(inside_BL, window_BL, IGNORED)


class RandomWindows:
    """Windows drawn at random positions of the training texts, each text followed by <|eos|>."""

    def __init__(self, texts: Sequence[list[int]], *, seed: int, device: str) -> None:
        rows = [np.array([*ids, EOS_ID], dtype=np.int32) for ids in texts]
        bounds = np.cumsum([0, *(len(row) for row in rows)])
        self.tokens = torch.from_numpy(np.concatenate(rows)).to(device)
        self.bounds = torch.from_numpy(bounds).to(device)
        self.generator = torch.Generator().manual_seed(seed)  # on the CPU: the same on any device

    def draw(self, num_windows: int, length: int) -> tuple[Tensor, Tensor]:
        """Return inputs and labels, both (B, L); every token position is as likely as any other."""
        total = len(self.tokens)
        position_B = torch.randint(total, (num_windows,), generator=self.generator)
        position_B = position_B.to(self.tokens.device)
        text_B = torch.searchsorted(self.bounds, position_B, right=True) - 1
        first_B, end_B = self.bounds[text_B], self.bounds[text_B + 1]
        start_B = torch.maximum(first_B, torch.minimum(position_B, end_B - length))
        index_BL = start_B[:, None] + torch.arange(length, device=start_B.device)
        window_BL = self.tokens[index_BL.clamp(max=total - 1)].long()
        return shifted(window_BL, inside_BL=index_BL < end_B[:, None])


def first_windows(
    texts: Sequence[list[int]], length: int, device: str
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield inputs and labels of the first `length` tokens of every text, in order."""
    rows = max(1, TOKENS_PER_BATCH // length)
    for first in range(0, len(texts), rows):
        chunk = [torch.tensor(ids[:length]) for ids in texts[first : first + rows]]
        window_BL = torch.nn.utils.rnn.pad_sequence(chunk, batch_first=True, padding_value=-1)
        window_BL = window_BL.to(device)
        yield shifted(window_BL, inside_BL=window_BL >= 0)
