"""docs/compare.md says which protocols compare and what the JSON holds, from the code itself."""

import dataclasses
import json
import re
import typing

from comparison.releases import first_release, inputs, second_release
from hubmaxact.comparison import comparison, to_json
from hubmaxact.comparison.build import compare_inputs
from hubmaxact.gate import gate, limits, rules
from hubmaxact.report.comparability import FIELDS, ProtocolRow

HEADER = """# compare and check

## Which protocols can be compared

`hubmaxact compare` and `hubmaxact check --against` refuse reports that differ in a field marked
"refused"; `compare --across-protocols` lists the differences and goes on. What is "told" follows
from the checkpoint or moves values by rounding alone: it is listed and refuses nothing. The
environment (versions, device) is no protocol.

| field of `protocol` | a difference is | because |
| --- | --- | --- |
"""
JSON = """
## `compare --format json`

The fields, in order. Whatever is an array of `cells` or `values` has one element for each report,
in the order of `reports`, and null where a report has no such value. GlobalMax, RoleMax, Headroom,
FormatRow, PooledRow, EndToEndRow, Subsets and MaximaByText are the objects of
[the report's schema](../schema/README.md).
`comparison_version` changes when a field does.
"""
GATE = """
## `check`

| option | key in TOML | passes when |
| --- | --- | --- |
| `--max-abs X` | `max_abs = X` | M is at most X |
| `--not-exceeding FORMAT` | `not_exceeding = ["FORMAT"]` | no watched tensor, gates and routers \
included, exceeded the format's largest finite value |
| `--min-sqnr-db FORMAT=DB` | `[min_sqnr_db]` `FORMAT = DB` | at the site that `global_max` names, \
the SQNR of FORMAT is at least DB; under policy max_abs, unless FORMAT is written \
FORMAT:POLICY, as in `int8:clip_q0.999`; several rows of one format and policy count as their \
worst |
| `--min-sqnr-db [lowest:]FORMAT/GRANULARITY[/POLICY][@KIND]=DB` | the same table | of all tensors \
of a kind together, or of the one that is rounded worst with `lowest:` in front, the SQNR of this \
way of rounding is at least DB; KIND is `linear_input` unless it is `key` or `value`; the policy \
of `per_tensor` is `max_abs` unless it is given: `int8/per_token=30`, `lowest:int8/per_token=20`, \
`fp8_e4m3/per_tensor/unscaled@key=30` |
| `--cache-not-exceeding FORMAT` | `cache_not_exceeding = ["FORMAT"]` | no key or value exceeded \
the format, as a cache without scales has it: `fp8_e4m3` ends at 448 |
| `--max-loss-change [TARGET:]FORMAT/GRANULARITY[/POLICY]=NATS` | `[max_loss_change]` \
`"FORMAT/GRANULARITY" = NATS` | the loss with this rounding (`measure --end-to-end`) grows by at \
most NATS a token, at the upper end of its interval; TARGET is `linear_inputs` unless it is `kv` \
or `residual` |
| `--against FILE` | `against = "FILE"` | with the next one; a path in TOML starts at the file's \
folder |
| `--max-ratio R` | `max_ratio = R` | M over the earlier M is at most R; another protocol is \
refused |
| `--require-complete` | `require_complete = true` | everything expected was seen, and finite |
| `--no-remote-code` | `no_remote_code = true` | no code of the checkpoint's own was run |

Options override the file, key by key and, in a table, format by format. A value that is
null fails with its reason; every bound on M fails where NaN or infinity was seen, because M is the
largest finite value. Exit 0 when every rule passes; 1 when one fails, or FILE is not a valid
report; 2 when there is no rule, the protocols differ, or a rule or a file cannot be used.
`--format markdown` writes the rules as a table, the failed ones first, for a job's summary.

The fields of `check --format json`:
"""


def protocol_table():
    rows = (
        f"| `{field.name}` | {'refused' if field.decisive else 'told'} | {field.why} |\n"
        for field in FIELDS
    )
    return "".join(rows)


def kind(annotation):
    said = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    if typing.get_args(annotation):
        said = str(annotation)
    said = re.sub(r"[a-z_]+(\.[a-z_]+)*\.(?=[A-Z])", "", said).replace("typing.", "")
    return said.replace(", ...]", "]").replace("tuple[", "array[").replace("None", "null")


def fields_of(cls):
    hints = typing.get_type_hints(cls)
    listed = ", ".join(
        f"`{field.name}` ({kind(hints[field.name])})" for field in dataclasses.fields(cls)
    )
    return f"\n**{cls.__name__}.** {cls.__doc__.split(chr(10))[0]} {listed}.\n"


def classes():
    named = [cls for cls in vars(comparison).values() if dataclasses.is_dataclass(cls)]
    return [comparison.Comparison, *(cls for cls in named if cls is not comparison.Comparison)]


def test_the_page_is_what_the_code_says(docs_file):
    shapes = "".join(map(fields_of, classes()))
    outcome = fields_of(gate.Verdict) + fields_of(rules.Outcome)
    docs_file("compare.md", HEADER + protocol_table() + JSON + shapes + GATE + outcome)


def test_every_rule_of_the_gate_is_on_the_page():
    for key in limits.READERS:
        assert f"--{key.replace('_', '-')}" in GATE
        assert key in GATE


def test_every_object_of_the_json_is_a_class_on_the_page():
    document = json.loads(to_json.render(compare_inputs(inputs(first_release(), second_release()))))
    names = {cls: [field.name for field in dataclasses.fields(cls)] for cls in classes()}
    assert list(document) == names[comparison.Comparison]
    assert list(document["reports"][0]) == names[comparison.Entry]
    assert list(document["protocol"][0]) == names[ProtocolRow]
    assert list(document["changes"][0]) == names[comparison.Change]
    assert list(document["changes"][0]["movers"][0]) == names[comparison.Mover]
    assert list(document["by_layer"]) == names[comparison.LayerTable]
    assert list(document["int8"][0]["cells"][0]) == names[comparison.Int8Cell]
