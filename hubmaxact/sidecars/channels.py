"""What every channel of a report's tensors showed, from `channels.safetensors` beside it."""

from collections.abc import Sequence

from hubmaxact.printable import printable
from hubmaxact.report.deployment import CHANNELS, LinearInput
from hubmaxact.report.document import Report
from hubmaxact.report.roles import DEPLOYMENT
from hubmaxact.report.source import Found
from hubmaxact.sidecars.beside import Beside, MissingSidecarError
from hubmaxact.sidecars.names import INPUT_ABS_MAX, INPUT_NUM_ROWS
from hubmaxact.sidecars.tensor_file import TensorFile

ANY = -1


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
        module = row["modules"][0]
        (found,) = self.file.tensor(INPUT_NUM_ROWS, module, (1,))
        if found <= 0:
            self.file.refuse(INPUT_NUM_ROWS.of(module), f"is {found}")
        return int(found)


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
    row = next((row for row in report.get("sidecars", ()) if row["name"] == CHANNELS), None)
    if row is None:
        raise MissingSidecarError(
            f"the report names no {CHANNELS}, which holds what every channel showed. "
            f"Measure with `hubmaxact measure --profile {DEPLOYMENT}`."
        )
    content = Beside(found).read(row)
    if content is None:
        raise MissingSidecarError(
            f"{CHANNELS}, which the report of {printable(report['model']['id'] or 'this model')} "
            "names, does not lie beside it. Keep the folder that `hubmaxact measure` writes beside "
            "the report, and name the report's own file."
        )
    return Channels(TensorFile(CHANNELS, content))
