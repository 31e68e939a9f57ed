"""Rows of `quantization.parquet` are what rounding captured tensors gives, and they add up."""

import hashlib
import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import MOE, hubmaxact_here
from sidecars.conftest import CALIBRATION, TEXTS, measure

from hubmaxact import read_report
from hubmaxact.deployed_formats import DEPLOYED_FORMATS, formats_of
from hubmaxact.report.rounded_tensors import rounded_places
from hubmaxact.sidecars.beside import SidecarError
from hubmaxact.sidecars.error_rows import decode, encode

NAME = "quantization.parquet"
WAYS = {way.name: way for way in DEPLOYED_FORMATS}


@pytest.fixture(scope="module")
def content(made_once):
    return (made_once / "report" / NAME).read_bytes()


@pytest.fixture(scope="module")
def rows(content):
    return decode(content)


def way_of(row):
    return WAYS["/".join((row["format"], row["granularity"], row["policy"]))]


def tensor_of(row, tensors):
    """Rows of channels."""
    name = row["module"] if row["kind"] == "linear_input" else f"{row['module']}.{row['kind']}"
    return tensors[name].flatten(1)


def test_there_is_a_row_for_every_tensor_and_way_in_the_reports_order(made_once, rows):
    report = read_report(made_once / "report.json")
    expected = [
        (kind, place.layer, place.module, way.name)
        for kind, places in rounded_places(report).items()
        for place in places
        for way in formats_of(kind)
    ]
    found = [(row["kind"], row["layer"], row["module"], way_of(row).name) for row in rows]
    assert found == [each for each in expected if each in set(found)]
    counted = {each for each in expected if WAYS[each[3]].is_counted}
    assert counted <= set(found)


def equals_rounding(row, x, calibrated):
    """Whether a row is what rounding a tensor gives, after another fixed its threshold."""
    from hubmaxact.measurement.rounding.tensors import rounded

    way = way_of(row)
    found = rounded(x, way, row["threshold"])
    lost = (x - found.values).double().square().sum()
    assert row["err_sq"] == pytest.approx(float(lost), rel=1e-9), row
    assert row["sum_sq"] == pytest.approx(float(x.double().square().sum()), rel=1e-9), row
    assert row["count"] == x.numel()
    assert row["clip_rate"] == pytest.approx(float(found.clipped.double().mean()))
    vanished = ((x != 0) & (found.values == 0)).double().mean()
    assert row["underflow_rate"] == pytest.approx(float(vanished))
    if way.policy == "max_abs":
        assert row["threshold"] == float(calibrated.abs().max())
    assert (row["threshold"] is None) == (not way.has_threshold)


def test_every_row_equals_rounding_the_captured_tensor(rows, evaluated, calibrated):
    for row in rows:
        equals_rounding(row, tensor_of(row, evaluated), tensor_of(row, calibrated))


def test_rows_of_experts_equal_rounding_what_they_multiply(tmp_path):
    from deployed import seen
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from hubmaxact.measurement.batch_plan import Split, plan_batches

    assert measure(tmp_path, MOE, "--output", "report.json").returncode == 0
    model = AutoModelForCausalLM.from_pretrained(MOE, dtype="auto").eval()
    tokenizer = AutoTokenizer.from_pretrained(MOE)
    ids = [tokenizer(text, return_tensors="np")["input_ids"][0] for text in TEXTS]
    plan = plan_batches(list(map(len, ids)), calibration=CALIBRATION, evaluation=1, batch_tokens=9)
    evaluated, calibrated = (
        seen.run(model, "model.layers", ids, [b for b in plan.batches if b.split is split])
        for split in (Split.EVALUATION, Split.CALIBRATION)
    )
    found = Counter()
    for row in decode((tmp_path / "report" / NAME).read_bytes()):
        experts, _, part = row["module"].rpartition(".")
        if experts.endswith(".experts"):
            found[part] += 1
            before = calibrated.read_by(row["module"]).float()
            equals_rounding(row, evaluated.read_by(row["module"]).float(), before)
    ways = len(formats_of("linear_input"))
    num_layers = len(model.model.layers)
    assert found == {"gate_up_proj": num_layers * ways, "down_proj": num_layers * ways}


def test_pooled_rows_tell_the_worst_of_them(made_once, rows):
    for pooled in read_report(made_once / "report.json")["quantization"]["pooled"]:
        keys = ("kind", "format", "granularity", "policy")
        of_way = [row for row in rows if all(row[key] == pooled[key] for key in keys)]
        of_way.sort(key=lambda row: row["sum_sq"] / row["err_sq"])
        assert [each["module"] for each in pooled["worst"]] == [
            row["module"] for row in of_way[:3]
        ], pooled


def replaced(folder, content):
    """Put another table in its place, and let the report name that."""
    report = json.loads((folder / "report.json").read_text())
    report["sidecars"][2] = {
        "name": NAME,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    (folder / "report.json").write_text(json.dumps(report))
    (folder / "report" / NAME).write_bytes(content)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"err_sq": 1e9}, "err_sq of linear_input int8 per_tensor max_abs is "),
        ({"count": 1}, "count of linear_input int8 per_tensor max_abs is "),
        ({"module": "\x1b[2J"}, "it has \\u001b[2J, which is no such tensor there"),
        ({"policy": "hoped"}, "num_tensors of linear_input int8 per_tensor max_abs is "),
        ({"clip_rate": 0.5}, "clip_rate of linear_input int8 per_tensor max_abs is "),
    ],
)
def test_rows_that_do_not_add_up_to_the_report_are_refused(made, rows, change, told):
    replaced(made, encode([rows[0] | change, *rows[1:]], {}))
    done = hubmaxact_here("validate", "report.json", cwd=made)
    assert done.returncode == 1
    assert done.stdout.startswith(f"report.json: {NAME} contradicts the report: {told}")
    assert done.stdout.count("\n") == 1


def test_a_tensor_that_stands_twice_is_refused(made, rows):
    replaced(made, encode([rows[0], *rows], {}))
    done = hubmaxact_here("validate", "report.json", cwd=made)
    assert "it has a tensor twice" in done.stdout


def parquet(table, **words):
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **words)
    return sink.getvalue().to_pybytes()


def test_what_is_no_such_table_is_refused(rows, content):
    table = pq.read_table(pa.BufferReader(content))
    for other in (
        b"PAR1",
        content[:-9] + b"\xff" * 9,
        content[: len(content) // 2],
        parquet(table.drop_columns("count")),
        parquet(table.rename_columns(["Kind", *table.column_names[1:]])),
        parquet(pa.Table.from_pylist([dict(rows[0]) | {"layer": None}])),
    ):
        with pytest.raises(SidecarError, match="Measure again"):
            decode(other)


def test_what_unpacks_to_more_than_any_model_has_is_not_unpacked(rows):
    bomb = encode([rows[0] | {"module": "m" * (1 << 26)}], {})
    assert len(bomb) < 1 << 16
    with pytest.raises(SidecarError, match="more than any model has"):
        decode(bomb)


def test_equal_rows_give_equal_bytes(rows):
    assert encode(rows, {"a": "b"}) == encode(decode(encode(rows, {})), {"a": "b"})
