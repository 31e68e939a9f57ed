"""Every error a user can act on: what happened, what was found, what to do.

A subclass is one situation. Exit code 2 means the user can fix it, 1 that the answer is no.
Anything that is not a HubmaxactError is a bug and keeps its traceback.
"""


class HubmaxactError(Exception):
    """Base of every error that is shown as one sentence instead of a traceback."""

    exit_code = 2


class OptionsError(HubmaxactError):
    """Raised when a run is told something that it cannot do."""


class MissingPackageError(HubmaxactError):
    """Raised when a library of an extra is not installed, or is and cannot be loaded.

    Args:
        package: The library that was to be imported.
        extra: The extra of hubmaxact that it comes with.
        purpose: What needs it, such as "measuring".
        fault: What the import raised. None: it was not found.
    """

    def __init__(
        self, package: str, extra: str, purpose: str, fault: BaseException | None = None
    ) -> None:
        install = f'pip install "hubmaxact[{extra}]"'
        absent = fault.name if isinstance(fault, ModuleNotFoundError) else None
        if fault is None or absent == package:
            said = f"{purpose} needs {package}, which is not installed; run {install}."
        elif absent is not None and "." not in absent:
            said = f"{package} needs {absent}, which is not installed; run {install}."
        else:
            while fault.__cause__ is not None:  # transformers says only that something is wrong
                fault = fault.__cause__
            # One line of another library's, made safe; it may name a shared object or a version.
            reason = ascii(" ".join(str(fault).split()) or type(fault).__name__)[1:-1][:300]
            said = (
                f"{purpose} needs {package}, which is installed and cannot be loaded: "
                f"{reason.rstrip('.')}. Install it anew: pip install --force-reinstall {package}."
            )
        super().__init__(said)


class OldPackageError(HubmaxactError):
    """Raised when a library of an extra is older than what is known to work.

    Args:
        package: The library.
        version: Its version.
        oldest: The oldest that will do.
        extra: The extra of hubmaxact that it comes with.
    """

    def __init__(self, package: str, version: str, oldest: str, extra: str) -> None:
        super().__init__(
            f"{package} {ascii(version)[1:-1][:40]} is installed, and {oldest} is the oldest that "
            f'will do; run pip install "hubmaxact[{extra}]".'
        )


class NoCheckpointError(HubmaxactError):
    """Raised when what was named is no checkpoint: neither a folder nor on the Hub."""


class UnsafeCheckpointError(HubmaxactError):
    """Raised when a checkpoint would need code or pickle to load, or its files lie."""


class IncompleteWeightsError(HubmaxactError):
    """Raised when weights are missing, unexpected or of another shape than the architecture's."""


class AdapterError(HubmaxactError):
    """Raised when an adapter cannot be merged into its base, or its base cannot be had."""


class UnknownAnatomyError(HubmaxactError):
    """Raised when a decoder's parts cannot be told apart."""


class CoverageError(HubmaxactError):
    """Raised when an expected site was not found or never fired."""


class CorpusError(HubmaxactError):
    """Raised when a corpus is empty, damaged or not what its digest says."""


class VocabularyError(HubmaxactError):
    """Raised when the tokenizer's ids do not fit the embedding."""


class DeviceError(HubmaxactError):
    """Raised when the device asked for cannot be used here."""


class OutOfMemoryError(HubmaxactError):
    """Raised when the weights or a batch do not fit; names what may."""


class ForwardPassError(HubmaxactError):
    """Raised when a model's own forward pass raises; holds what it said."""


class StoppedError(HubmaxactError):
    """Raised when somebody stops a run that can go on.

    Args:
        sentence: What was kept, and where.
        exit_code: 130 or 143, as shells count SIGINT and SIGTERM.
    """

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


class ReportError(HubmaxactError):
    """Raised when a file is not a valid report."""

    exit_code = 1


class ReadmeError(HubmaxactError):
    """Raised when a README cannot be edited without risk to what is in it."""


class HubError(HubmaxactError):
    """Raised when the Hub refuses, cannot be reached, or does not say what happened."""


class DigestMismatchError(HubmaxactError):
    """Raised when the measured weights are not the ones in the repository."""


class NotReproducedError(HubmaxactError):
    """Raised when verification ran and the answer is no."""

    exit_code = 1
