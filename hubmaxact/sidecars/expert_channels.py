"""What every channel of what experts read showed, from `experts.safetensors` beside a report."""

from collections.abc import Sequence
from typing import NamedTuple

from hubmaxact.report.deployment import EXPERTS
from hubmaxact.report.document import Report
from hubmaxact.report.source import Found
from hubmaxact.scales.expert_maps import Reads
from hubmaxact.sidecars.names import expert_rows, expert_sum_sq
from hubmaxact.sidecars.tensor_file import TensorFile, named_file

ANY = -1


class SumsByExpert(NamedTuple):
    """Sums of squares, and the rows that they are over."""

    by_channel: Sequence[float]  # expert by expert, in the tensor's own units squared
    num_rows: Sequence[float]  # by expert


class ExpertChannels:
    """Sums of squares by expert.

    Args:
        file: The sidecar.
    """

    def __init__(self, file: TensorFile) -> None:
        self.file = file

    def holds(self, experts: str, reads: Reads) -> bool:
        """Whether the sums of a layer are there: none is that was not known.

        Args:
            experts: The module that holds them.
            reads: What of theirs.

        Returns:
            Whether `sum_sq` finds them.
        """
        return self.file.holds(expert_sum_sq(reads), experts)

    def sum_sq(self, experts: str, reads: Reads, num_experts: int) -> SumsByExpert:
        """The sum of x^2 of each channel that each expert of a layer reads.

        Args:
            experts: The module that holds them.
            reads: What of theirs.
            num_experts: As many as the report says.

        Returns:
            Sums over the calibration split.

        Raises:
            SidecarError: There are none, or they are of other experts.
        """
        rows = self.file.tensor(expert_rows(reads), experts, (num_experts,))
        if min(rows) < 0:
            self.file.refuse(expert_rows(reads).of(experts), f"holds {int(min(rows))}")
        sums = self.file.magnitudes(expert_sum_sq(reads), experts, (num_experts, ANY))
        if not sums:
            self.file.refuse(expert_sum_sq(reads).of(experts), "has no channels")
        return SumsByExpert(sums, rows)


def read_expert_channels(report: Report, found: Found | None) -> ExpertChannels | None:
    """Read the statistics of experts' channels that belong to a report.

    Args:
        report: Any.
        found: Where it was found. None: it came from memory.

    Returns:
        What is in the file beside it. None: the report names none.

    Raises:
        MissingSidecarError: It is not there.
        SidecarError: It is another one, or not sound.
        HubError: The repository cannot be read.
    """
    file = named_file(report, found, EXPERTS)
    return None if file is None else ExpertChannels(file)
