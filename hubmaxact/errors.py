"""Every error a user can act on: what happened, what was found, what to do.

A subclass is one situation. Exit code 2 means the user can fix it, 1 that the answer is no.
Anything that is not a HubmaxactError is a bug and keeps its traceback.
"""


class HubmaxactError(Exception):
    """Base of every error that is shown as one sentence instead of a traceback."""

    exit_code = 2


class OptionsError(HubmaxactError):
    """Raised when a run is told something that it cannot do."""


class NoCheckpointError(HubmaxactError):
    """Raised when what was named is no checkpoint: neither a folder nor on the Hub."""


class UnsafeCheckpointError(HubmaxactError):
    """Raised when a checkpoint would need code or pickle to load, or its files lie."""


class IncompleteWeightsError(HubmaxactError):
    """Raised when weights are missing, unexpected or of another shape than the architecture's."""


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
