"""From what the user named to a report: a checkpoint is found, and measured where it may run."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from hubmaxact.errors import OptionsError
from hubmaxact.measurement import libraries
from hubmaxact.measurement.distributed.group import Alone, Group
from hubmaxact.measurement.distributed.own_options import own_options
from hubmaxact.measurement.measure_source import assembled, run_source
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.source_with_base import resolve_with_base
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.report.document import Report
from hubmaxact.report.roles import DEPLOYMENT

if TYPE_CHECKING:
    from hubmaxact.measurement.assembly.report import Measured
    from hubmaxact.measurement.kept_run import States
    from hubmaxact.measurement.shards import Shard


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
        StateError: The folder `options.state_dir` is another run's, or held by one.
        StoppedError: Somebody stopped a run that can go on.
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
        OptionsError: A shard was asked for, which is no report.
        HubmaxactError: As `measure`.
    """
    if options is not None and options.shard is not None:
        raise OptionsError("a shard is no report. Use `hubmaxact measure --shard`, then `merge`.")
    with measuring(
        checkpoint,
        options,
        revision=revision,
        model_id=model_id,
        base=base,
        trust_remote_code=trust_remote_code,
        watcher=watcher,
    ) as measured:
        from hubmaxact.measurement.assembly.report import Measured

        assert isinstance(measured, Measured)
        return measured


@contextmanager
def measuring(
    checkpoint: str | Path,
    options: Options | None = None,
    *,
    revision: str | None = None,
    model_id: str | None = None,
    base: str | Path | None = None,
    trust_remote_code: bool = False,
    watcher: Watcher | None = None,
    group: Group | None = None,
) -> "Iterator[Measured | Shard | None]":
    """Measure a checkpoint; what was kept of the run goes when the block has ended well.

    Args:
        checkpoint: As in `measure`.
        options: As in `measure`.
        revision: As in `measure`.
        model_id: As in `measure`.
        base: As in `measure`.
        trust_remote_code: As in `measure`.
        watcher: As in `measure`.
        group: The processes that take part. None: this one alone.

    Yields:
        The report and the files that lie beside it; a shard, where that was asked for. None where
        another process of the group has it.

    Raises:
        HubmaxactError: As `measure`.
        StateError: The folder of states is another run's, or held by one.
        StoppedError: Somebody stopped a run that can go on.
    """
    libraries.require()
    options, watcher, group = options or Options(), watcher or Watcher(), group or Alone()
    if trust_remote_code and (options.shard or options.state_dir or group.size > 1):
        raise OptionsError(
            "code of a checkpoint's own runs in one process that is shut off. Leave out shard and "
            "state_dir, and start one process."
        )
    if group.size > 1:
        options = own_options(options, group)
    if options.profile == DEPLOYMENT:
        libraries.load_tables()
    source = resolve_with_base(
        checkpoint,
        revision=revision,
        model_id=model_id,
        base=base,
        trust_remote_code=trust_remote_code,
    )
    if source.code is not None:
        from hubmaxact.measurement.confined.measure import measure_confined

        yield measure_confined(source, options, watcher)
        return
    with _states(options, group) as states:
        ran = run_source(source, options, watcher, group=group, states=states)
        if ran is None:
            yield None
        elif options.shard is not None:
            from hubmaxact.measurement.shards import shard_of

            yield shard_of(ran, options.share)
        else:
            yield assembled(ran, watcher)
        if states is not None:
            states.remove()


def _states(options: Options, group: Group) -> "AbstractContextManager[States | None]":
    """Where states are kept; it loads torch, which refusals do without."""
    if options.state_dir is None:
        return nullcontext()
    from hubmaxact.measurement.kept_run import States

    return States(options.state_dir, options.share, group)


def merge_in_full(shards: Sequence[str | Path], watcher: Watcher | None = None) -> "Measured":
    """Merge shards of one run, whatever their order, into its report.

    Args:
        shards: Files that `measure --shard` wrote.
        watcher: Hears of each. None: nobody does.

    Returns:
        The report of one undisturbed process, and contents by file name.

    Raises:
        MissingPackageError: torch or another library of the extra `measure` is not installed.
        StateError: A file is no shard, damaged or of another run; one is there twice or missing.
        CoverageError: An expected tensor was never seen.
    """
    libraries.require()
    libraries.load_tables()
    watcher = watcher or Watcher()
    watcher.stage("Starting torch and transformers")
    libraries.load()
    from hubmaxact.measurement.shards import merge_shards

    return merge_shards([Path(shard) for shard in shards], watcher)
