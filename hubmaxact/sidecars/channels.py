"""What every channel of a report's tensors showed, from `channels.safetensors` beside it."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from hubmaxact.report.deployment import CHANNELS, KeysAndValues, LinearInput, RotaryPairs
from hubmaxact.report.document import Report
from hubmaxact.report.roles import DEPLOYMENT
from hubmaxact.report.source import Found
from hubmaxact.sidecars.beside import MissingSidecarError
from hubmaxact.sidecars.names import (
    INPUT_ABS_MAX,
    INPUT_NUM_ROWS,
    INPUT_SUM_SQ,
    INPUT_SUM_SQ_ROWS,
    TensorName,
    cached_abs_max,
    cached_pair_max,
)
from hubmaxact.sidecars.tensor_file import TensorFile, named_file

ANY = -1
Role = Literal["key", "value"]


class SumsOfSquares(NamedTuple):
    """By channel, in the tensor's own units squared, and the number of rows that they are over."""

    by_channel: Sequence[float]
    num_rows: int


class Channels:
    """Statistics of channels, each held to what the report says of the whole tensor.

    Args:
        file: The sidecar.
    """

    def __init__(self, file: TensorFile) -> None:
        self.file = file

    def abs_max(self, row: LinearInput) -> Sequence[float]:
        """The largest |x| of each channel of a linear input, in the tensor's own units.

        Args:
            row: Of the report; its elements were finite.

        Returns:
            As many as the tensor has channels.

        Raises:
            SidecarError: There are none, or they contradict the report.
        """
        module = row["modules"][0]
        found = self.file.magnitudes(INPUT_ABS_MAX, module, (ANY,), row["abs_max"])
        if self.num_rows(row) * len(found) != row["count"]:
            self.file.refuse(
                INPUT_ABS_MAX.of(module),
                f"has {len(found):,} channels, which make no {row['count']:,} elements",
            )
        return found

    def num_rows(self, row: LinearInput) -> int:
        """How many rows of a linear input were seen: tokens, or those that reached an expert.

        Args:
            row: Of the report.

        Returns:
            A positive number.

        Raises:
            SidecarError: It is not there.
        """
        return self._count(INPUT_NUM_ROWS, row)

    def sum_sq(self, row: LinearInput) -> SumsOfSquares:
        """The sum of x^2 of each channel of a linear input, over the calibration split.

        Args:
            row: As in `abs_max`.

        Returns:
            The sums, and how many rows they are over.

        Raises:
            SidecarError: There are none, or they contradict the report.
        """
        num_channels = row["count"] // self.num_rows(row)
        sums = self.file.magnitudes(INPUT_SUM_SQ, row["modules"][0], (num_channels,))
        return SumsOfSquares(sums, self._count(INPUT_SUM_SQ_ROWS, row))

    def _count(self, name: TensorName, row: LinearInput) -> int:
        (found,) = self.file.tensor(name, row["modules"][0], (1,))
        if found <= 0:
            self.file.refuse(name.of(row["modules"][0]), f"is {found}")
        return int(found)

    def cached_abs_max(self, row: KeysAndValues, role: Role) -> list[Sequence[float]]:
        """The largest |x| of each channel of keys or values.

        Args:
            row: Of the report; its elements were finite.
            role: Which of the two.

        Returns:
            Channels by head.

        Raises:
            SidecarError: There are none, or they contradict the report.
        """
        name, told = cached_abs_max(role), row[role]
        shape = (row["num_kv_heads"], ANY)
        heads = _by_head(self.file.magnitudes(name, row["module"], shape), row["num_kv_heads"])
        if told["per_head"] is None:
            reached = max((value for found in heads for value in found), default=0.0)
            if reached != told["abs_max"]:
                words = f"reaches {reached:g}, and the report says {told['abs_max']}"
                self.file.refuse(name.of(row["module"]), words)
            return heads
        for head, (found, largest) in enumerate(zip(heads, told["per_head"], strict=True)):
            if max(found, default=None) != largest:
                words = f"reaches {max(found, default=0.0):g} in head {head}, and the report says "
                self.file.refuse(name.of(row["module"]), f"{words}{largest}")
        return heads

    def turned_abs_max(self, row: KeysAndValues) -> list[list[float]]:
        """The largest |x| that each channel of keys can reach at any position.

        A pair of channels that turns keeps its norm, so the largest norm is as far as either goes.

        Args:
            row: Of the report; its elements were finite, and it tells which channels turn.

        Returns:
            Channels by head.

        Raises:
            SidecarError: The numbers are not there, or contradict the report.
        """
        heads = [list(head) for head in self.cached_abs_max(row, "key")]
        if not (pairs := list(_pairs(row["rotary"]))):
            return heads
        shape = (len(heads), len(pairs))
        norms = self.file.magnitudes(cached_pair_max("key"), row["module"], shape)
        if max(max(pair) for pair in pairs) >= len(heads[0]):
            name = cached_abs_max("key").of(row["module"])
            self.file.refuse(name, f"has {len(heads[0])} channels, fewer than turn by the report")
        for head, of_pairs in zip(heads, _by_head(norms, len(heads)), strict=True):
            for pair, norm in zip(pairs, of_pairs, strict=True):
                for channel in pair:
                    head[channel] = max(head[channel], norm)
        return heads


def _pairs(rotary: RotaryPairs | None) -> Iterator[tuple[int, int]]:
    """The channels of each pair, in the order of the pairs."""
    assert rotary is not None
    half = rotary["channels"] // 2
    for pair in range(half):
        halves = (pair, pair + half)
        yield halves if rotary["pairs"] == "halves" else (2 * pair, 2 * pair + 1)


def _by_head(flat: Sequence[float], num_heads: int) -> list[Sequence[float]]:
    width = len(flat) // num_heads
    return [flat[head * width : (head + 1) * width] for head in range(num_heads)]


def read_channels(report: Report, found: Found | None) -> Channels:
    """Read the statistics of channels that belong to a report.

    Args:
        report: Any.
        found: Where it was found. None: it came from memory.

    Returns:
        What is in the file beside it.

    Raises:
        MissingSidecarError: The report names no such file, or it is not there.
        SidecarError: It is another one, or not sound.
        HubError: The repository cannot be read.
    """
    file = named_file(report, found, CHANNELS)
    if file is None:
        raise MissingSidecarError(
            f"the report names no {CHANNELS}, which holds what every channel showed. "
            f"Measure with `hubmaxact measure --profile {DEPLOYMENT}`."
        )
    return Channels(file)
