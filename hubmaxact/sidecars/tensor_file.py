"""A sidecar's tensors out of its bytes, whoever wrote them; nothing is taken unchecked."""

from collections.abc import Sequence
from io import BytesIO
from math import inf
from typing import NoReturn

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.printable import printable
from hubmaxact.recognition.safetensors_header import checked_header
from hubmaxact.report.deployment import SidecarName
from hubmaxact.report.document import Report
from hubmaxact.report.source import Found
from hubmaxact.sidecars.beside import Beside, MissingSidecarError, SidecarError
from hubmaxact.sidecars.names import TensorName
from hubmaxact.sidecars.safetensors_bytes import numbers


class TensorFile:
    """A sound safetensors file.

    Args:
        name: The file's, for sentences.
        content: All of it.

    Raises:
        SidecarError: It is none.
    """

    def __init__(self, name: str, content: bytes) -> None:
        self.name, self._content = name, content
        try:
            self._header = checked_header(name, len(content), BytesIO(content).read)
        except UnsafeCheckpointError as error:
            reason = str(error).removesuffix("Download or save the checkpoint again.")
            raise SidecarError(f"{reason}Measure again.") from error

    def holds(self, name: TensorName, module: str) -> bool:
        """Whether there is such a tensor.

        Args:
            name: What is told.
            module: Of what.

        Returns:
            Whether it can be asked for.
        """
        return name.of(module) in self._header

    def tensor(self, name: TensorName, module: str, shape: tuple[int, ...]) -> Sequence[float]:
        """Return the numbers of one tensor.

        Args:
            name: What is told.
            module: Of what.
            shape: That it must have; -1 for any extent.

        Returns:
            Row-major numbers.

        Raises:
            MissingSidecarError: There is no such tensor.
            SidecarError: It is of another dtype or shape.
        """
        full = name.of(module)
        entry = self._header.get(full)
        if entry is None:
            raise MissingSidecarError(
                f"{self.name} holds no {printable(full, 300)}. Measure again with this hubmaxact."
            )
        fits = len(entry.shape) == len(shape) and all(
            want in {have, -1} for have, want in zip(entry.shape, shape, strict=True)
        )
        if entry.dtype != name.dtype or not fits:
            self.refuse(full, f"is {entry.dtype} {list(entry.shape)}"[:200])
        end = entry.begin + entry.num_bytes
        return numbers(entry.dtype, self._content[entry.begin : end])

    def magnitudes(
        self, name: TensorName, module: str, shape: tuple[int, ...], largest: float | None = None
    ) -> Sequence[float]:
        """Return one tensor's numbers, all of which are finite and not negative.

        Args:
            name: What is told.
            module: Of what.
            shape: That it must have; -1 for any extent.
            largest: What the report says that the largest of them is. None: it says nothing.

        Returns:
            Row-major numbers.

        Raises:
            MissingSidecarError: There is no such tensor.
            SidecarError: It is another than it must be, or holds NaN: a channel of nothing finite.
        """
        found, full = self.tensor(name, module, shape), name.of(module)
        if not all(0 <= value < inf for value in found):
            self.refuse(full, "holds what is no magnitude: NaN, infinity or a sign")
        if largest is not None and max(found, default=None) != largest:
            told = f"reaches {max(found, default=0.0):g}, and the report says {largest:g}"
            self.refuse(full, told)
        return found

    def refuse(self, tensor: str, found: str) -> NoReturn:
        """Say what is wrong with a tensor.

        Args:
            tensor: Its name.
            found: What it is, as the rest of a sentence.

        Raises:
            SidecarError: Always.
        """
        raise SidecarError(f"{printable(tensor, 300)} in {self.name} {found}. Measure again.")


def named_file(report: Report, found: Found | None, name: SidecarName) -> TensorFile | None:
    """Read one of the files that a report names.

    Args:
        report: Any.
        found: Where it was found. None: it came from memory.
        name: The file's.

    Returns:
        The file. None: the report names no such one.

    Raises:
        MissingSidecarError: It is not there.
        SidecarError: It is another one, or not sound.
        HubError: The repository cannot be read.
    """
    row = next((row for row in report.get("sidecars", ()) if row["name"] == name), None)
    if row is None:
        return None
    content = Beside(found).read(row)
    if content is None:
        raise MissingSidecarError(
            f"{name}, which the report of {printable(report['model']['id'] or 'this model')} "
            "names, does not lie beside it. Keep the folder that `hubmaxact measure` writes beside "
            "the report, and name the report's own file."
        )
    return TensorFile(name, content)
