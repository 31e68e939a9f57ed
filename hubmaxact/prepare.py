"""Everything before the first forward pass: options, source, checks, loading, encoding, planning.

Whatever can be refused from files alone is refused before torch is imported.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hubmaxact.checkpoint.inspect import WeightFiles, inspect
from hubmaxact.corpus import Corpus, load
from hubmaxact.errors import CoverageError, HubmaxactError
from hubmaxact.plan import DEFAULT_BATCH_TOKENS, Batch, Plan, plan_batches


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user may choose; defaults are the command line's."""

    corpus: str = "probe-5k"
    num_samples: int | None = None
    max_seq_len: int = 4096
    batch_tokens: int | None = DEFAULT_BATCH_TOKENS  # None: chosen from the device's memory
    special_tokens: str = "as_tokenizer"
    dtype: str = "auto"
    device: str = "auto"
    device_map: str | None = None
    calibration_samples: int = 128
    evaluation_samples: int = 256
    allow_partial: bool = False
    cpu_threads: int = 2  # fixed and recorded: CPU bits depend on it
    attn_implementation: str | None = None  # None: the model's default


PAPER: dict[str, Any] = {
    "corpus": "paper",
    "num_samples": 5000,
    "max_seq_len": 32_768,
    "special_tokens": "none",
    "dtype": "bfloat16",
}
"""Preset `paper`: the choices of arXiv:2605.15572."""


@dataclass(frozen=True, slots=True)
class Source:
    """A checkpoint folder and where it came from."""

    folder: Path
    model_id: str | None = None
    revision: str | None = None
    commit: str | None = None


class Watcher:
    """Hears how a run goes; the command line shows it, a library may ignore it."""

    def stage(self, sentence: str) -> None:
        """A step begins."""

    def planned(self, plan: Plan, num_sites: int, num_tokens: int) -> None:
        """The run is about to start."""

    def batch_done(self, batch: Batch) -> None:
        """A batch is in the statistics."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything a forward pass needs."""

    files: WeightFiles
    corpus: Corpus
    loaded: Any  # checkpoint.load.Loaded
    anatomy: Any  # anatomy.site.Anatomy
    samples: Any  # encode.Samples
    max_seq_len: int  # the one asked for, or the model's own limit if that is lower


def prepare(source: Source, options: Options, watcher: Watcher) -> Prepared:
    """Check the files, read the corpus, load the model, find the sites, encode the texts.

    Raises:
        HubmaxactError: any of the refusals of those steps.
    """
    files = inspect(source.folder)
    watcher.stage(f"Reading corpus {options.corpus}")
    corpus = load(options.corpus, num_samples=options.num_samples)
    from hubmaxact.anatomy.resolve import resolve
    from hubmaxact.checkpoint.load import load as load_checkpoint
    from hubmaxact.encode import check_ids, check_vocabulary, encode

    watcher.stage(f"Loading {len(files.tensors)} tensors from {len(files.shards)} files")
    loaded = load_checkpoint(
        files,
        dtype=options.dtype,
        device=options.device,
        device_map=options.device_map,
        attn_implementation=options.attn_implementation,
    )
    num_embeddings = loaded.model.get_input_embeddings().weight.shape[0]
    check_vocabulary(loaded.tokenizer, num_embeddings)
    anatomy = resolve(loaded.model)
    require([m.reason for m in anatomy.missing], anatomy.missing, options)
    max_seq_len = min(options.max_seq_len, most_positions(loaded.model))
    watcher.stage(f"Encoding {len(corpus.texts)} texts, at most {max_seq_len} tokens of each")
    samples = encode(
        loaded.tokenizer,
        corpus,
        max_seq_len=max_seq_len,
        special_tokens=options.special_tokens,
    )
    check_ids(loaded.tokenizer, samples, num_embeddings)
    return Prepared(files, corpus, loaded, anatomy, samples, max_seq_len)


def most_positions(model: Any) -> int:
    """The longest sequence the model was made for, where its configuration says so."""
    text = model.config.get_text_config(decoder=True)
    limit = getattr(text, "max_position_embeddings", None)
    return limit if isinstance(limit, int) and limit > 0 else sys.maxsize


def require(reasons: Sequence[str], missing: Sequence[Any], options: Options) -> None:
    """Refuse a run that would not see every expected site, unless the user accepts it."""
    if not missing or options.allow_partial:
        return
    first = missing[0]
    raise CoverageError(
        f"{len(missing)} expected sites cannot be measured; the first is {first.role} of layer "
        f"{first.layer} ({first.module or 'no module found'}): {reasons[0]}. "
        "Use --allow-partial to measure the rest; the report will say what is missing."
    )


def plan_for(prepared: Prepared, options: Options, batch_tokens: int) -> Plan:
    """Plan the batches of encoded samples."""
    return plan_batches(
        prepared.samples.lengths,
        calibration=options.calibration_samples,
        evaluation=options.evaluation_samples,
        batch_tokens=batch_tokens,
    )


def resolve_source(
    checkpoint: str, *, revision: str | None = None, model_id: str | None = None
) -> Source:
    """A local folder as it is, or a Hub id, resolved to a commit before anything else.

    Raises:
        HubmaxactError: neither a folder nor a repository that can be read.
    """
    from hubmaxact.hub.source import check_repo_id, download_checkpoint, resolve_commit

    if model_id is not None:
        check_repo_id(model_id)
    path = Path(checkpoint)
    if path.is_dir():
        if revision is not None:
            raise HubmaxactError(
                f"{checkpoint} is a local folder, which has no revisions. Leave --revision out."
            )
        return Source(path, model_id=model_id)
    if path.exists() or checkpoint.startswith((".", "/", "~")):
        raise HubmaxactError(
            f"{checkpoint} is not a folder. Give the folder of a checkpoint, or a Hub id."
        )
    commit = resolve_commit(checkpoint, revision)
    folder = download_checkpoint(checkpoint, commit)
    return Source(folder, model_id or checkpoint, revision or "main", commit)
