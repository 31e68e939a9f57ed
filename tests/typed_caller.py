"""A caller with types; mypy checks it, nobody runs it (`test_public_interface.py`)."""

from collections.abc import Iterator
from pathlib import Path
from typing import assert_type

import hubmaxact
from hubmaxact import (
    Options,
    Report,
    audit,
    check,
    compare,
    export,
    measure,
    push,
    read_report,
    validate,
    verify,
)
from hubmaxact.comparison.comparison import Comparison
from hubmaxact.gate.gate import Verdict
from hubmaxact.publication.outcome import Outcome
from hubmaxact.report.problem import Problem
from hubmaxact.shipped_scales.audit import Audit
from hubmaxact.verification.check import Check

report = measure("folder", Options(num_samples=4, dtype="float16"), model_id="alice/model")
assert_type(report, Report)
assert_type(report["model"]["num_parameters"], int)
assert_type(read_report(Path("report.json")), Report)
assert_type(validate(b"{}"), list[Problem])
assert_type(compare(report, "report.json", across_protocols=True), Comparison)
assert_type(check(report, {"max_abs": 3}), Verdict)
assert_type(verify(report, "folder"), Iterator[Check])
assert_type(export(report, "openvino", "openvino.json"), tuple[str, ...])
assert_type(audit(report, "folder", tolerance=0.02), Audit)
assert_type(push(b"{}", "alice/model", dry_run=True), Outcome)
hubmaxact.write_report(report, "report.json")
measure("folder", revison="main")  # type: ignore[call-arg]  # misspelt, and seen to be  # codespell:ignore revison
Options(num_sample=4)  # type: ignore[call-arg]  # likewise
hubmaxact.measure_all  # type: ignore[attr-defined]  # noqa: B018 likewise
