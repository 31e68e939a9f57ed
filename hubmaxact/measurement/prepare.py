"""All before the first forward pass: checks, corpus, loading, sites, encoding, planning, readers.

Whatever can be refused from files alone is refused before torch is imported.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hubmaxact.corpus import Corpus, reading
from hubmaxact.errors import CoverageError, OptionsError
from hubmaxact.measurement import libraries
from hubmaxact.measurement.batch_plan import Plan, plan_batches
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.simulation.served import INSTEAD, require_served, told
from hubmaxact.measurement.source import Source
from hubmaxact.measurement.source_with_base import inspect_source
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.printable import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedModel

    from hubmaxact.measurement.anatomy.site import Anatomy, Missing
    from hubmaxact.measurement.checkpoint.load import Loaded
    from hubmaxact.measurement.encoding.tokenization import Samples
    from hubmaxact.measurement.simulation.simulation import Simulation
    from hubmaxact.measurement.streaming.streaming import Streaming


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything a forward pass needs."""

    files: WeightFiles
    corpus: Corpus
    loaded: "Loaded"
    anatomy: "Anatomy"
    samples: "Samples"
    max_seq_len: int  # the one asked for, or the model's own limit if that is lower
    simulation: "Simulation | None" = None  # of activations rounded as served
    streaming: "Streaming | None" = None  # of layers that stay in their files


def prepare(
    source: Source,
    options: Options,
    watcher: Watcher,
    corpus: Corpus | None = None,
    held: ExitStack | None = None,
) -> Prepared:
    """Check the files, read the corpus, load the model, find the sites, encode the texts.

    Args:
        source: The checkpoint.
        options: What the run was told.
        watcher: Hears of each step.
        corpus: The texts. None: those that the options name.
        held: Takes what must stay open while the model runs; needed where it is streamed.

    Returns:
        Everything a forward pass needs.

    Raises:
        HubmaxactError: Any of the refusals of those steps.
    """
    files = inspect_source(source)
    require_simulation(files, options)
    corpus = corpus or read_corpus(options, watcher)
    from hubmaxact.measurement.anatomy.decoder_stack import token_embedding
    from hubmaxact.measurement.anatomy.find_sites import find_sites
    from hubmaxact.measurement.checkpoint.load import load as load_checkpoint
    from hubmaxact.measurement.checkpoint.memory_needed import shortage_told
    from hubmaxact.measurement.encoding.checked import encoded, encoding_of
    from hubmaxact.measurement.encoding.tokenization import check_vocabulary
    from hubmaxact.measurement.streaming.load import load_streamed
    from hubmaxact.measurement.streaming.streaming import Streaming

    watcher.stage(_loading(files))
    asked: dict[str, Any] = {
        "dtype": options.dtype,
        "device": options.device,
        "attn_implementation": options.attn_implementation,
        "code": source.code,
    }
    with encoding_of(corpus, options) as encoding:
        weights, asked["on_tokenizer"] = None, encoding.begin
        if options.stream:
            assert held is not None, "whoever streams closes the files"
            loaded, weights = held.enter_context(load_streamed(files, **asked))
        else:
            loaded = load_checkpoint(files, device_map=options.device_map, **asked)
        for sentence in loaded.notes:
            watcher.note(sentence)
        check_vocabulary(loaded.tokenizer, token_embedding(loaded.model).weight.shape[0])
        is_spread = options.device_map is not None
        doing = "its first tokens were run"
        with shortage_told(
            files, loaded.dtype, doing, is_spread=is_spread, is_streamed=options.stream
        ):
            anatomy = find_sites(loaded.model, profile=options.profile)
            streaming = None if weights is None else Streaming.of(weights, anatomy)
        require(anatomy.missing, allow_partial=options.allow_partial)
        simulation = _simulation(files, loaded, options, watcher)
        samples, max_seq_len = encoded(loaded, encoding, options, watcher)
    return Prepared(files, corpus, loaded, anatomy, samples, max_seq_len, simulation, streaming)


def require_simulation(files: WeightFiles, options: Options) -> None:
    """Refuse to simulate what nothing tells of, or nothing here does, from headers alone.

    Args:
        files: What `inspect` found sound.
        options: What the run was told.

    Raises:
        OptionsError: The checkpoint is not quantized or an adapter, or nothing is rounded as
            served, or in a way that is not simulated here.
    """
    if not options.simulate_activations:
        return
    if files.adapter is not None:
        raise OptionsError(
            f"an adapter is merged into the weights of {files.name} here, and a server runs it "
            f"beside them, on inputs that are not rounded. {INSTEAD}"
        )
    require_served(files.name, files.stored)


def _simulation(
    files: WeightFiles, loaded: "Loaded", options: Options, watcher: Watcher
) -> "Simulation | None":
    if not options.simulate_activations:
        return None
    from hubmaxact.measurement.simulation.simulation import simulation_of

    simulation = simulation_of(files, loaded.model)
    watcher.note(told(simulation.rows))
    return simulation


def _loading(files: WeightFiles) -> str:
    """What is loaded, and merged."""
    from_files = f"from {counted(len(files.shards), 'file')}"
    loading = f"Loading {counted(len(files.tensors), 'tensor')} {from_files}"
    if files.adapter is None:
        return loading
    changed = counted(len(files.adapter.merges.weights), "weight")
    return f"{loading} of {files.name}, {changed} changed by {files.adapter.name}"


def read_corpus(options: Options, watcher: Watcher) -> Corpus:
    """Start the libraries, and read the texts.

    Args:
        options: What the run was told.
        watcher: Hears of both.

    Returns:
        As many texts as were asked for.

    Raises:
        MissingPackageError: A library cannot be loaded.
        CorpusError: The corpus is empty, damaged or not there.
        OptionsError: It has too few texts for what is asked to run end to end.
    """
    with reading(options.corpus, num_samples=options.num_samples) as read:
        watcher.stage("Starting torch and transformers")
        libraries.load()
        watcher.stage(f"Reading corpus {options.corpus}")
        corpus = read()
    _require_splits(len(corpus.texts), options)
    return corpus


def _require_splits(num_texts: int, options: Options) -> None:
    """Rounding end to end asks for both splits whole: one gives thresholds, the other is run."""
    wanted = (options.calibration_samples, options.evaluation_samples)
    if options.end_to_end and (not all(wanted) or num_texts < sum(wanted)):
        raise OptionsError(
            f"--end-to-end needs at least one calibration text and one evaluation text, and all "
            f"that are asked for: {wanted[0]} and {wanted[1]}; the corpus has "
            f"{counted(num_texts, 'text')}. Use --calibration-samples and --evaluation-samples."
        )


def require(missing: "Sequence[Missing]", *, allow_partial: bool) -> None:
    """Refuse a run that would not see every expected site, unless the user accepts it.

    Args:
        missing: Sites that cannot be seen.
        allow_partial: Whether that is accepted.

    Raises:
        CoverageError: Names the first site that cannot be measured.
    """
    if not missing or allow_partial:
        return
    first = missing[0]
    raise CoverageError(
        f"{counted(len(missing), 'expected site')} cannot be measured; the first is "
        f"{first.role} of layer {first.layer} ({first.module or 'no module found'}): "
        f"{first.reason}. Use --allow-partial to measure the rest; the report will say what is "
        "missing."
    )


def plan_for(
    samples: "Samples", options: Options, batch_tokens: int, *, bidirectional: bool = False
) -> Plan:
    """Plan the batches of encoded samples; where tokens see those after them, nothing is padded."""
    return plan_batches(
        samples.lengths,
        calibration=options.calibration_samples,
        evaluation=options.evaluation_samples,
        batch_tokens=batch_tokens,
        pads=not bidirectional,
    )


def prepare_readers(
    model: "PreTrainedModel", watcher: Watcher, *, format_errors: bool = False
) -> None:
    """Compile or load whatever reads the tensors of a model, so that no batch has to.

    Not while weights load: they are mapped, in less time than this takes, and both hold the
    interpreter's lock.

    Args:
        model: Readers are made for the devices of its weights, with the threads that torch has now.
        watcher: Hears of it.
        format_errors: Whether what formats lose at linear inputs will be summed.
    """
    from hubmaxact.measurement.kernels.choice import reader_of

    watcher.stage("Preparing the statistics")
    # Weights that are not read yet are on no device.
    devices = (weight.device for weight in model.parameters() if not weight.is_meta)
    for device in dict.fromkeys(devices):
        reader_of(device, format_errors=format_errors)
