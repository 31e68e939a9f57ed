"""`docs/verify.md` is made here: every field of a true report is edited, one at a time."""

import copy
import json
import re
import shutil
from pathlib import Path

import pytest
from command import DENSE

from hubmaxact import Options, measure
from hubmaxact.errors import HubmaxactError
from hubmaxact.report.document import Report
from hubmaxact.report.validate import validate
from hubmaxact.verification.verify import verify

TEXTS = [("a", "The ferry left at nine."), ("b", "x = 7; y = x * 6"), ("a", "Тихий вечер.")] * 4
SPLITS = {"calibration_samples": 3, "evaluation_samples": 5, "batch_tokens": 40}
OTHER = {
    "sha256": "0" * 64,
    "digest": f"sha256:{'0' * 64}",
    "batch_plan_digest": f"sha256:{'0' * 64}",
    "dtype": "float32",
    "weights_dtype": "float16",
    "attn_implementation": "eager",
    "products": "float32",
    "policy": "none",
    "architecture": "moe",
    "kind": "natural",
    "family": "Another",
}
HEADER = """\
# What `hubmaxact verify` catches

Made by `tests/verification/test_what_verify_catches.py`: a true report, each field edited alone
(numbers raised, words and digests replaced, flags turned), and what says so first. `validate` means
the report contradicts itself or the schema, so no checkpoint is needed. "nothing" means that a
field can be changed and neither will tell: such a field is a claim of whoever published the report.

An edit that changes several fields so that they agree with each other again gets past `validate`;
M itself and its place are then caught by `verify`, which runs the batch that holds the peak. What
lies outside that batch (moments, quantiles, INT-8 rows, lower maxima of other batches) would need
the whole run: `hubmaxact measure` with the command in the card, and equal bytes.

The files that lie beside the report are held to the digests that it names, and the rows of
`quantization.parquet` to those that it pools, where pyarrow is installed
(`validate` does so too); what is in them would need the whole run. So would the losses of
`--end-to-end`: `validate` only holds their rows to each other, and `verify` rounds nothing.

Of an adapter's report, the files of the base that it is merged into are held to their digests too,
and that there is a base at all; of one that says that the checkpoint's own code was run, the
digests of that code, before any of it runs. Names and commits are claims, as `model.id` is.

| field | noticed by |
| --- | --- |
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    home = tmp_path_factory.mktemp("table")
    folder = shutil.copytree(DENSE, home / "model")
    corpus = home / "texts.jsonl"
    lines = (json.dumps({"domain": domain, "text": text}) for domain, text in TEXTS)
    corpus.write_text("".join(f"{line}\n" for line in lines))
    options = Options(corpus=str(corpus), products="native", **SPLITS)
    report = measure(folder, options, model_id="alice/model")
    assert validate(report) == []
    return report, folder, str(corpus)


def leaves(value, path=()):
    """Paths of every leaf; of an array only the second element, or its first."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list) and value:
        chosen = min(1, len(value) - 1)
        yield from leaves(value[chosen], (*path, chosen))
    elif value is not None and not isinstance(value, list):
        yield path


def name_of(path):
    return "".join("[]" if isinstance(step, int) else f".{step}" for step in path)[1:]


def edited(report, path):
    changed = copy.deepcopy(report)
    *way, last = path
    inner = changed
    for step in way:
        inner = inner[step]
    inner[last] = different(last, inner[last])
    return changed


def different(key, value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 2 if value else 1.0
    return OTHER.get(key, f"{value}x" if key != "convention" else "another")


def noticed_by(report: Report, source, corpus):
    if validate(report):
        return "validate"
    try:
        checks = list(verify(report, source, corpus=corpus))
    except HubmaxactError:
        return "verify (refuses)"
    failed = [check.name for check in checks if not check.passed]
    return f"verify ({failed[0]})" if failed else "nothing"


PAGE = Path(__file__).parents[2] / "docs" / "verify.md"
DOCUMENTED = re.findall(r"^\| `(.+?)` \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
# The first field of each verdict: verifying takes most of a second, and the table has them all.
SHARPEST = {verdict: name for name, verdict in reversed(DOCUMENTED)}


def test_the_page_names_every_field_of_a_report(measured):
    fields = dict.fromkeys(name_of(path) for path in leaves(measured[0]))
    assert [name for name, _ in DOCUMENTED] == list(fields)


@pytest.mark.by_day("nothing", "verify (corpus)", "verify (weights)", "verify (sites)")
@pytest.mark.parametrize("verdict", sorted(SHARPEST))
def test_each_verdict_is_what_the_page_says(measured, verdict):
    report, source, corpus = measured
    path = next(path for path in leaves(report) if name_of(path) == SHARPEST[verdict])
    assert noticed_by(edited(report, path), source, corpus) == verdict


@pytest.mark.nightly
def test_the_table_of_what_is_caught(measured, docs_file):
    report, source, corpus = measured
    assert noticed_by(report, source, corpus) == "nothing"
    rows = {}
    for path in leaves(report):
        rows.setdefault(name_of(path), noticed_by(edited(report, path), source, corpus))
    table = "".join(f"| `{name}` | {verdict} |\n" for name, verdict in rows.items())
    assert {verdict.split(" ")[0] for verdict in rows.values()} == {"validate", "verify", "nothing"}
    assert rows["global_max.value"] == "validate"
    assert rows["model.weight_files[].sha256"] == "verify (weights)"
    docs_file("verify.md", HEADER + table)


def test_a_forgery_that_agrees_with_itself_is_caught(measured):
    report, source, corpus = measured
    text = json.dumps(report)
    peak = report["global_max"]["abs_max"]
    forged = json.loads(text.replace(repr(peak), repr(peak * 2)))
    for headroom in forged["dtype_headroom"].values():
        headroom["ratio"] *= 2
    forged["global_max"]["bf16_step"] *= 2
    assert validate(forged) == []
    failed = [check.name for check in verify(forged, source, corpus=corpus) if not check.passed]
    assert failed == ["M"]
