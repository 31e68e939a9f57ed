"""From what the user named to a report: a checkpoint is found, and measured where it may run."""

from pathlib import Path
from typing import TYPE_CHECKING

from hubmaxact.measurement import libraries
from hubmaxact.measurement.measure_source import measure_source
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.source_with_base import resolve_with_base
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.report.document import Report
from hubmaxact.report.roles import DEPLOYMENT

if TYPE_CHECKING:
    from hubmaxact.measurement.assembly.report import Measured


def measure(
    checkpoint: str | Path,
    options: Options | None = None,
    *,
    revision: str | None = None,
    model_id: str | None = None,
    base: str | Path | None = None,
    trust_remote_code: bool = False,
    watcher: Watcher | None = None,
) -> Report:
    """Measure a checkpoint and return its report; nothing is written.

    Under profile deployment the report names files that lie beside it, which `measure_in_full`
    returns too.

    Args:
        checkpoint: Folder in transformers' layout, or a Hub id ("owner/name"), which is downloaded
            into the Hub's cache. A `Path` is always a folder. A LoRA adapter is measured merged
            into its base.
        options: Corpus, lengths in tokens, dtype, device and so on. None: the command line's
            defaults.
        revision: Branch, tag or commit; resolved to a commit before anything is read. Hub ids only.
        model_id: Hub id to record for a local folder. None: the report names no repository.
        base: What a LoRA adapter is merged into, where its configuration names another machine's
            path: a folder, or a Hub id ("owner/name", "owner/name@revision"). None: what the
            adapter names.
        trust_remote_code: Whether code that the checkpoint brings along is run, in a process
            without network, token and files, where transformers has no class of its own. Of a Hub
            id alone, and `revision` must be a full commit hash.
        watcher: Hears of stages and batches. None: nobody does.

    Returns:
        A report that `validate` accepts. Its values are activations in the tensors' own units;
        every field is described in schema/README.md.

    Raises:
        MissingPackageError: torch or another library of the extra `measure` is not installed.
        NoCheckpointError: `checkpoint` is no folder and no Hub id, or not one of a checkpoint.
        HubError: The repository cannot be read.
        UnsafeCheckpointError: The checkpoint would need code or pickle, is quantized in a way
            that is not dequantized here, or its files lie.
        IncompleteWeightsError: A weight is missing, unexpected or of another shape, or a Git LFS
            pointer stands in the place of a file.
        AdapterError: It is an adapter that is no plain sum, or whose base cannot be had.
        UnknownAnatomyError: It is no decoder or encoder of text whose parts can be told apart.
        OptionsError: A base was named for what is no adapter; or code is trusted, and not that of
            one commit of a repository.
        UnconfinedError: Code is to run, and cannot be kept from network and files here.
        ConfinedError: The process that runs it failed.
        CorpusError: The corpus is empty, damaged or not there.
        VocabularyError: The tokenizer's ids do not fit the embedding.
        CoverageError: An expected tensor cannot be seen, and `options.allow_partial` is false.
        DeviceError: The device cannot be used here.
        ForwardPassError: The model's own forward pass raises.
        OutOfMemoryError: The weights or a batch do not fit; the message names what may.
        OptionsError: `options.simulate_activations` is true, and nothing is rounded as served, or
            in a way that is not simulated here.

    Source: arXiv:2605.15572; what is made exact stands in README, "How the numbers are made".
    """
    return measure_in_full(
        checkpoint,
        options,
        revision=revision,
        model_id=model_id,
        base=base,
        trust_remote_code=trust_remote_code,
        watcher=watcher,
    ).report


def measure_in_full(
    checkpoint: str | Path,
    options: Options | None = None,
    *,
    revision: str | None = None,
    model_id: str | None = None,
    base: str | Path | None = None,
    trust_remote_code: bool = False,
    watcher: Watcher | None = None,
) -> "Measured":
    """Measure a checkpoint; return its report and the files that lie beside it.

    Args:
        checkpoint: As in `measure`.
        options: As in `measure`.
        revision: As in `measure`.
        model_id: As in `measure`.
        base: As in `measure`.
        trust_remote_code: As in `measure`.
        watcher: As in `measure`.

    Returns:
        The report, and contents by file name.

    Raises:
        HubmaxactError: As `measure`.
    """
    libraries.require()
    options, watcher = options or Options(), watcher or Watcher()
    if options.profile == DEPLOYMENT:
        libraries.load_tables()
    source = resolve_with_base(
        checkpoint,
        revision=revision,
        model_id=model_id,
        base=base,
        trust_remote_code=trust_remote_code,
    )
    if source.code is None:
        return measure_source(source, options, watcher)
    from hubmaxact.measurement.confined.measure import measure_confined

    return measure_confined(source, options, watcher)
