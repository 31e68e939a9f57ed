"""The outer side of such a measurement. What the process tells is a claim: it is held to the
schema, and whatever says which checkpoint was measured is put in here.
"""

import hashlib
from dataclasses import asdict
from typing import Any, cast

from hubmaxact.confinement.process import ConfinedError
from hubmaxact.measurement.assembly.report import Measured
from hubmaxact.measurement.checkpoint.weight_digests import WeightDigests
from hubmaxact.measurement.checkpoint.weight_files import inspect
from hubmaxact.measurement.confined.crossing import (
    nonsense_refused,
    running_code,
    told_of_code,
)
from hubmaxact.measurement.confined.watching import Hearer
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.prepare import read_corpus
from hubmaxact.measurement.source import Source
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.report.deployment import MAX_SIDECAR_BYTES, SIDECARS, SidecarName
from hubmaxact.report.document import Report
from hubmaxact.report.model_block import WeightFile
from hubmaxact.report.validate import validate

ENTRY = "hubmaxact.measurement.confined_run"


def measure_confined(source: Source, options: Options, watcher: Watcher) -> Measured:
    """Measure a checkpoint whose own code runs, in a process that it cannot leave.

    Args:
        source: The checkpoint, with the code that is to be run.
        options: What the run was told.
        watcher: Hears of stages and batches.

    Returns:
        The report, and contents by file name.

    Raises:
        HubmaxactError: The checkpoint's files or the corpus are refused.
        UnconfinedError: No such process can be had here.
        ConfinedError: It fails, or what it tells is no report.
    """
    files = inspect(source.folder, source.name)
    corpus = read_corpus(options, watcher)
    watcher.stage(told_of_code(source))
    job = {"options": asdict(options), "corpus": asdict(corpus)}
    with WeightDigests(files) as digests:
        report, sidecars = _result(source, job, watcher)
        weights = digests.result()
    return Measured(_checked(report, sidecars, _known(source, weights)), sidecars)


def _result(
    source: Source, job: dict[str, Any], watcher: Watcher
) -> tuple[object, dict[SidecarName, bytes]]:
    """What it says it measured."""
    report: object = None
    sidecars: dict[SidecarName, bytes] = {}
    hearer = Hearer(watcher)
    with running_code(ENTRY, source, job, most=MAX_SIDECAR_BYTES) as told:
        for message in told:
            with nonsense_refused():
                if message.kind == "report":
                    (report,) = message.values
                elif message.kind == "sidecar":
                    sidecars[SIDECARS[SIDECARS.index(*message.values)]] = message.content
                else:
                    hearer.heard(message)
    return report, sidecars


def _known(source: Source, weights: list[WeightFile]) -> dict[str, Any]:
    """Fields of the block `model` that are no claim."""
    assert source.code is not None
    return {
        "id": source.model_id,
        "revision": source.revision,
        "commit": source.commit,
        "weight_files": weights,
        "remote_code": True,
        "remote_code_files": [file._asdict() for file in source.code.files],
    }


def _checked(document: object, sidecars: dict[SidecarName, bytes], known: dict[str, Any]) -> Report:
    """The report with what is known in it, if it is one and names these sidecars."""
    model = document.get("model") if isinstance(document, dict) else None
    if not isinstance(model, dict):
        raise ConfinedError("it made no report")
    model.update(known)
    if problems := validate(document):
        raise ConfinedError(f"it made a report that is none: {problems[0]}")
    report = cast("Report", document)
    named = {row["name"]: (row["size"], row["sha256"]) for row in report.get("sidecars", ())}
    found = {
        name: (len(content), hashlib.sha256(content).hexdigest())
        for name, content in sidecars.items()
    }
    if named != found:
        raise ConfinedError("it made other files than its report names")
    return report
