"""Is a report true of a checkpoint? Digests, corpus, plan, then the one batch that holds the peak.

In the same environment the bits must be equal; elsewhere values may move by two bf16 steps, and a
change of carrier is named. What this catches and what it cannot: `docs/verify.md`.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from hubmaxact.corpus import Corpus
from hubmaxact.errors import HubmaxactError
from hubmaxact.formats import bf16_step
from hubmaxact.measurement import libraries
from hubmaxact.measurement.assembly.environment import environment
from hubmaxact.measurement.batch_plan import Plan
from hubmaxact.measurement.checkpoint.weight_digests import digest_weights
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.measurement.loops.cpu_threads import cpu_threads
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.prepare import Prepared, plan_for, prepare, prepare_readers
from hubmaxact.measurement.source import Source
from hubmaxact.measurement.source_with_base import inspect_source
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.printable import counted
from hubmaxact.report.cpu_threads import threads_of
from hubmaxact.report.document import GlobalMax, Report
from hubmaxact.report.model_block import Model
from hubmaxact.report.products import products_of, same_environment
from hubmaxact.report.row_fields import fields
from hubmaxact.verification.check import Check, while_passed
from hubmaxact.verification.claim import Claim, read_claim
from hubmaxact.verification.confined import checks_confined
from hubmaxact.verification.digests import same_code, same_weights
from hubmaxact.verification.protocol_options import options_of
from hubmaxact.verification.sidecars import sidecars_beside
from hubmaxact.verification.sites import STEPS_APART, beyond, contradiction


def verify(
    report: Report | str | Path,
    checkpoint: str | Path | None = None,
    *,
    revision: str | None = None,
    base: str | Path | None = None,
    corpus: str | None = None,
    device: str = "auto",
    trust_remote_code: bool = False,
    watcher: Watcher | None = None,
) -> Iterator[Check]:
    """Hold a report against a checkpoint, in one forward pass.

    The report and the checkpoint are looked up at once; each check runs when it is asked for. What
    this catches and what it cannot stands in docs/verify.md.

    Args:
        report: A report, or its file, a folder that holds it, an id on the Hub, or a URL there.
        checkpoint: Folder, or a Hub id ("owner/name"). None: the folder or the repository that
            holds the report, or else the repository and the commit that it names.
        revision: Branch, tag or commit of the report that is on the Hub, or else of the checkpoint.
        base: What a LoRA adapter is merged into: a folder or a Hub id. None: what the report names,
            at its commit, or else the adapter.
        corpus: Where the report's corpus lies, when hubmaxact does not carry it.
        device: "cpu", "cuda", "cuda:1", "mps", ... "auto": an accelerator if there is one.
        trust_remote_code: Whether code that the checkpoint brings along is run, shut off, where the
            report was measured with it: that of the commit that the report names, and no other.
        watcher: Hears of stages. None: nobody does.

    Returns:
        The checks, the cheapest first; the first that fails is the last. In the same environment
        M must have equal bits, elsewhere it may be two bf16 steps away. The report is reproduced
        when all have passed.

    Raises:
        MissingPackageError: torch or another library of the extra `measure` is not installed.
        UnreadableFileError: The report's file is missing, not a regular file, or may not be read.
        AddressError: The report's URL is not the Hub's, or leads to no model repository.
        BadInputError: It is not a valid report.
        NoCheckpointError: Neither `checkpoint` nor the report names one.
        HubError: The repository of the report or of the checkpoint cannot be read.
        UntrustedCodeError: The report was measured with the checkpoint's own code, which is not
            trusted.
        HubmaxactError: While checking: anything that `measure` would refuse, or a report that
            cannot be verified here.
    """
    claim = read_claim(report, checkpoint, revision, base, trust_remote_code=trust_remote_code)
    return verify_claim(claim, corpus=corpus, device=device, watcher=watcher)


def verify_claim(
    claim: Claim,
    *,
    corpus: str | None = None,
    device: str = "auto",
    watcher: Watcher | None = None,
) -> Iterator[Check]:
    """Hold a report against a checkpoint, both looked up already.

    Args:
        claim: The two.
        corpus: As in `verify`.
        device: As in `verify`.
        watcher: As in `verify`.

    Returns:
        The checks, as in `verify`.
    """
    checks = _checks(claim.report, claim.source, corpus, device, watcher or Watcher())
    return while_passed(chain(sidecars_beside(claim), checks))


def _checks(
    report: Report, source: Source, corpus: str | None, device: str, watcher: Watcher
) -> Iterator[Check]:
    files = inspect_source(source)
    libraries.load()  # before the weights are read, which may take minutes
    for weights in _held(report["model"], files):
        yield weights
        if not weights.passed:
            return
    options = options_of(report, corpus, device)
    if not report["model"]["remote_code"]:
        yield from checks_of_model(report, source, options, watcher)
        return
    code = same_code(report["model"].get("remote_code_files", ()), source.code)
    yield code
    if code.passed:
        yield from checks_confined(report, source, options, watcher)


def checks_of_model(
    report: Report,
    source: Source,
    options: Options,
    watcher: Watcher,
    corpus: Corpus | None = None,
) -> Iterator[Check]:
    """Run the checks that need the model, in this process.

    Args:
        report: Whose claims are checked.
        source: The checkpoint; code of its own that is to be run runs here.
        options: The report's protocol.
        watcher: Hears of stages.
        corpus: The texts. None: those that the options name.

    Returns:
        The checks; the first that fails is the last.
    """
    prepared = prepare(source, options, watcher, corpus)
    plan = plan_for(
        prepared.samples,
        options,
        report["protocol"]["batch_tokens"],
        bidirectional=prepared.anatomy.bidirectional,
    )
    return while_passed(
        chain(_inputs(report, prepared, plan), _peak(report, prepared, plan, watcher))
    )


def _held(model: Model, files: WeightFiles) -> Iterator[Check]:
    """The weight files of the checkpoint, and of what it is merged into."""
    own, *base = files.places
    yield same_weights(model["weight_files"], digest_weights(own))
    claimed = model.get("adapter_base")
    if (claimed is None) == bool(base):
        detail = "is merged into a base" if base else "is no adapter"
        yield Check("base", passed=False, detail=f"the checkpoint {detail}, unlike the report's")
    elif claimed is not None:
        yield same_weights(claimed["weight_files"], digest_weights(base[0]), "base weights")


# What no file says: where the checkpoint came from, and what its makers say of it.
CLAIMS = ("id", "revision", "commit", "family", "stage", "base_model", "tokens_trained")


def _inputs(report: Report, prepared: Prepared, plan: Plan) -> Iterator[Check]:
    """The model's facts, corpus, tokens and plan: the same inputs in the same batches."""
    yield _model(report, prepared)
    protocol = report["protocol"]
    yield _equal("corpus", protocol["corpus"]["digest"], prepared.corpus.digest)
    yield _equal("BOS", protocol["special_tokens"]["bos_added"], prepared.samples.bos_added)
    num_tokens = sum(prepared.samples.lengths)
    yield _equal("tokens", protocol["corpus"]["num_tokens"], num_tokens)
    yield _equal("batch plan", protocol["batch_plan_digest"], plan.digest)
    if prepared.simulation is not None:
        yield _equal("simulation", protocol["simulated_activations"], prepared.simulation.rows)


def _model(report: Report, prepared: Prepared) -> Check:
    """Everything that the files and the loaded model say of themselves."""
    from hubmaxact.measurement.assembly.model import describe_model

    claimed = report["model"]
    found = describe_model(
        prepared.files,
        claimed["weight_files"],  # compared already
        prepared.loaded,
        prepared.anatomy,
        model_id=claimed["id"],
        revision=claimed["revision"],
        commit=claimed["commit"],
    )
    said = fields(claimed, found)
    differ = {
        key: (said[key], value)
        for key, value in found.items()
        if key not in CLAIMS and said[key] != value
    }
    for key, (told, seen) in differ.items():
        return Check("model", passed=False, detail=f"{key}: report {told}, here {seen}"[:300])
    return Check("model", passed=True, detail=counted(found["num_parameters"], "parameter"))


def _equal(name: str, claimed: object, found: object) -> Check:
    if claimed == found:
        return Check(name, passed=True, detail=f"{found}")
    return Check(name, passed=False, detail=f"report {claimed}, here {found}")


def _peak(report: Report, prepared: Prepared, plan: Plan, watcher: Watcher) -> Iterator[Check]:
    """Run the batch that holds M and compare M, its place, and every site seen on the way."""
    from hubmaxact.measurement.assembly.deployment import keys_and_values, linear_inputs
    from hubmaxact.measurement.assembly.maxima import global_max
    from hubmaxact.measurement.assembly.sites import site_rows, under_each_role
    from hubmaxact.measurement.execution.forward import measure
    from hubmaxact.measurement.execution.products import multiplying, products_for

    claimed = report["global_max"]
    if claimed is None:
        raise HubmaxactError("the report has no finite maximum, so there is nothing to verify.")
    if claimed["batch"] >= len(plan.batches):
        yield _equal("batch", claimed["batch"], counted(len(plan.batches), "batch", "batches"))
        return
    chosen = [plan.batches[claimed["batch"]]]
    model, ids = prepared.loaded.model, prepared.samples.ids
    threads = threads_of(report["environment"]) or Options().cpu_threads
    told = products_of(report["environment"])
    products = products_for(told, prepared.loaded.dtype, model)
    with cpu_threads(threads), multiplying(products):
        prepare_readers(model, watcher)
        simulation = prepared.simulation
        run = measure(
            model,
            prepared.anatomy,
            plan,
            ids,
            batches=chosen,
            format_errors=False,
            changed=None if simulation is None else simulation.applied(),
        )
        exact = same_environment(report["environment"], environment(model, products))
    recorded = run.recorder.result()
    seen = under_each_role(recorded, prepared.anatomy)
    yield from _compare_peak(claimed, global_max(seen, plan), exact=exact)
    facts, read = site_rows(seen), linear_inputs(seen)
    kv = keys_and_values(seen, recorded.heads, prepared.anatomy.pairs)
    problem = contradiction(report["sites"], facts, chosen[0].samples, exact=exact)
    problem = problem or beyond(report, read, kv, exact=exact)
    number = counted(len(facts) + len(read) + len(kv), "site")
    detail = problem or f"{number} within the reported maxima"
    yield Check("sites", passed=problem is None, detail=detail)


def _compare_peak(claimed: GlobalMax, found: GlobalMax | None, *, exact: bool) -> Iterator[Check]:
    if found is None:
        yield Check("M", passed=False, detail="no finite value was seen")
        return
    apart = abs(claimed["value"] - found["value"])
    limit = 0.0 if exact else STEPS_APART * bf16_step(claimed["value"])
    rule = "equal bits, same environment" if exact else "within two bf16 steps, other environment"
    values = f"report {claimed['value']:g}, here {found['value']:g}"
    yield Check("M", passed=apart <= limit, detail=f"{values} ({rule})")
    yield _place(claimed, found, exact=exact)


def _place(claimed: GlobalMax, found: GlobalMax, *, exact: bool) -> Check:
    """The coordinates; in another environment a near tie may carry M elsewhere, which is said."""
    keys = ("role", "layer", "part", "module", "sample", "token_position", "token_id", "channel")
    said, seen = fields(claimed, keys), fields(found, keys)
    moved = [key for key in keys if said[key] != seen[key]]
    place = f"{found['module']}, sample {found['sample']}, token {found['token_position']}"
    place += f", channel {found['channel']}"
    if not moved:
        return Check("place", passed=True, detail=place)
    differs = ", ".join(f"{k} {said[k]} -> {seen[k]}" for k in moved)
    return Check("place", passed=not exact, detail=f"the carrier changed: {differs}")
