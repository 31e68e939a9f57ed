"""What an export is made from, what may be chosen about it, and what comes out.

A format knows what goes into its file; where that is written is known elsewhere.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from hubmaxact.errors import HubmaxactError, OptionsError
from hubmaxact.report.document import Report
from hubmaxact.report.source import Found
from hubmaxact.sidecars.channels import Channels, read_channels
from hubmaxact.sidecars.error_rows import ErrorRow
from hubmaxact.sidecars.error_rows_beside import read_error_rows
from hubmaxact.sidecars.expert_channels import ExpertChannels, read_expert_channels
from hubmaxact.sidecars.safetensors_bytes import StoredTensor

MADE_BY = "hubmaxact export"


class NotExportableError(HubmaxactError):
    """Raised when a format wants what the report does not hold, or what it cannot say."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Which report an export came from.

    Attributes:
        report_sha256: Of the report's very file, as hex.
        model: Its id on the Hub. None: it was measured from a folder.
        commit: Of that repository. None: likewise.
    """

    report_sha256: str
    model: str | None
    commit: str | None

    def as_json(self) -> dict[str, Any]:
        """The fields that a JSON file begins with."""
        return {
            "made_by": MADE_BY,
            "report_sha256": self.report_sha256,
            "model": self.model,
            "commit": self.commit,
        }

    def as_text(self) -> dict[str, str]:
        """The same where only text may stand: what is null is left out."""
        return {name: value for name, value in self.as_json().items() if value is not None}


@dataclass(frozen=True, slots=True)
class Measured:
    """A report, and where it was found.

    Attributes:
        report: The report.
        sha256: Of its file, as hex.
        found: Where that was. None: what lies beside it cannot be asked for.
        tensors: Names of all tensors of a checkpoint of the model, whose names an export then has.
            None: none is at hand.
    """

    report: Report
    sha256: str
    found: Found | None = None
    tensors: Collection[str] | None = None

    @property
    def origin(self) -> Origin:
        """Which report this is."""
        model = self.report["model"]
        return Origin(self.sha256, model["id"], model["commit"])

    def channels(self) -> Channels:
        """What every channel showed, from beside the report; read when it is asked for.

        Returns:
            Statistics by row of the report.

        Raises:
            SidecarError: They are not there, or are not those of the report.
        """
        return read_channels(self.report, self.found)

    def expert_channels(self) -> ExpertChannels | None:
        """What every channel showed that each expert reads, from beside the report as well.

        Returns:
            Sums by expert. None: the report names no such file.

        Raises:
            SidecarError: They are not there, or are not those of the report.
        """
        return read_expert_channels(self.report, self.found)

    def error_rows(self) -> list[ErrorRow] | None:
        """What every tensor loses each way it was rounded, from beside the report as well.

        Returns:
            Rows of all tensors and ways. None: the report names no such file, or none lies there.

        Raises:
            SidecarError: They are not those of the report.
            MissingPackageError: pyarrow is not installed.
        """
        return read_error_rows(self.report, self.found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What may be chosen about an export; None stands for the format's own default.

    Attributes:
        granularity: One scale for a tensor, a head or a channel.
        tensor_parallel: Ranks that the engine will run with.
        cache_type: Number format of the cache.
        convention: Whose names and directions static input scales have.
        number_format: What the inputs are quantized to.
        below_db: SQNR under which a module is kept wide, in dB.
        rounding: How modules that are not kept wide round what they read.
    """

    granularity: str | None = None
    tensor_parallel: int | None = None
    cache_type: str | None = None
    convention: str | None = None
    number_format: str | None = None
    below_db: float | None = None
    rounding: str | None = None

    def given(self) -> dict[str, Any]:
        """The choices that were made, by name."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value is not None}


def one_of(name: str, value: str | None, known: tuple[str, ...]) -> str:
    """Return what was chosen, or the first of what may be.

    Args:
        name: The choice, as a `Choices` has it.
        value: What was chosen. None: nothing.
        known: What this format has, the default first.

    Returns:
        One of `known`.

    Raises:
        OptionsError: Something else was chosen.
    """
    if value is None or value in known:
        return value or known[0]
    option = name.replace("_", "-")
    raise OptionsError(f"--{option} {value} is not for this format; it has {', '.join(known)}.")


@dataclass(frozen=True, slots=True)
class FileContent:
    """An export that is one file.

    Attributes:
        content: Its bytes.
        notes: Sentences that its user should read.
    """

    content: bytes
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckpointChange:
    """An export that is a checkpoint with something added.

    Attributes:
        scales: Tensors by module, named as in the report, and by their last name.
        configuration: What config.json gets as its `quantization_config`.
        origin: Which report it came from.
        notes: Sentences that its user should read.
    """

    scales: Mapping[str, Mapping[str, StoredTensor]]
    configuration: Mapping[str, Any]
    origin: Origin
    notes: tuple[str, ...] = field(default=())
