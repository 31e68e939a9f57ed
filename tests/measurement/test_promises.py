"""The schema allows what a run can write, and nothing that readers would wait for in vain."""

from typing import get_args, get_type_hints

from hubmaxact.deployed_formats import KINDS, TARGETS
from hubmaxact.measurement.assembly import report
from hubmaxact.measurement.options import DTYPES, FORMAT_ERRORS, PRODUCTS, SPECIAL_TOKENS
from hubmaxact.report.deployment import SIDECARS, AttentionLogit, KeysAndValues, RotaryPairs
from hubmaxact.report.document import NAMED_CORPORA, SimulatedActivations
from hubmaxact.report.model_block import LeftAside, Model
from hubmaxact.report.roles import PROFILES, ROLES, SITE_ROLES
from hubmaxact.report.validate import schema

WRITTEN = [
    ("profile", {*PROFILES}),
    ("dtype", {*DTYPES} - {"auto"}),
    ("policy", {*SPECIAL_TOKENS}),
    ("kind", {*NAMED_CORPORA.values(), None}),  # None: a file's, a data set's
    ("kind", {*get_args(get_type_hints(KeysAndValues)["kind"])}),
    ("kind", {*get_args(get_type_hints(AttentionLogit)["kind"])}),
    ("kind", {*KINDS}),
    ("target", {*TARGETS}),
    ("format_errors", {*FORMAT_ERRORS}),
    ("pairs", {*get_args(get_type_hints(RotaryPairs)["pairs"])}),
    ("name", {*SIDECARS}),
    ("products", {*PRODUCTS} - {"auto"}),
    ("status", {*get_args(get_type_hints(report._status)["return"])}),
    ("role", {role.name for role in SITE_ROLES}),
    ("watched", {role.name for role in ROLES}),
    ("architecture", {"dense", "moe"}),
    ("dequantized_by", {*get_args(get_type_hints(Model)["dequantized_by"])}),
    ("policy", {*get_args(get_type_hints(SimulatedActivations)["policy"])}),
    ("what", {*get_args(get_type_hints(LeftAside)["what"])}),
    ("counts_rounded_to", {"bfloat16", None}),
]


def enums(node):
    """Every closed list of values, with the name of what has it."""
    for name, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(value, dict) and "enum" in value:
            yield name, set(value["enum"])
        if isinstance(value, dict | list):
            yield from enums(value)


def test_every_value_that_the_schema_lists_is_one_that_is_written():
    listed = enums(schema())
    assert sorted(map(words, listed)) == sorted(map(words, WRITTEN))


def words(row):
    """A name with its values, in an order of their own."""
    name, values = row
    return name, sorted(map(str, values))
