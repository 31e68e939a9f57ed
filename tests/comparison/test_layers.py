"""Layers side by side: by number where the numbers agree, by depth where they do not."""

import example_reports
from hypothesis import given
from hypothesis import strategies as st

from comparison.releases import first_release, inputs, second_release
from hubmaxact.comparison.build import compare_inputs
from hubmaxact.comparison.layers import layer_table


def table_of(*counts):
    return layer_table([example_reports.dense_report(n, 64) for n in counts])


def test_equal_numbers_of_layers_are_aligned_by_layer():
    table = compare_inputs(inputs(first_release(), second_release())).by_layer
    assert table.aligned_by == "layer"
    assert table.layers == tuple(((layer, layer), (layer, layer)) for layer in range(12))
    hidden = next(series for series in table.series if series.role == "hidden_state")
    assert hidden.values[4] == (7968.0, 696_320.0)


def test_twice_as_many_layers_go_two_to_a_row():
    table = table_of(4, 8)
    assert table.aligned_by == "depth"
    assert table.layers == (
        ((0, 0), (0, 1)),
        ((1, 1), (2, 3)),
        ((2, 2), (4, 5)),
        ((3, 3), (6, 7)),
    )


def test_a_row_holds_the_largest_of_its_layers():
    small, large = example_reports.dense_report(4, 64), example_reports.dense_report(8, 64)
    hidden = next(s for s in layer_table([small, large]).series if s.role == "hidden_state")
    values = [s["abs_max"] for s in large["sites"] if s["role"] == "hidden_state"]
    assert [row[1] for row in hidden.values] == [max(values[n : n + 2]) for n in (0, 2, 4, 6)]


@given(st.lists(st.integers(1, 300), min_size=2, max_size=8))
def test_every_layer_is_in_one_row_and_no_row_is_empty(counts):
    from hubmaxact.comparison.layers import _span

    rows = min(counts)
    for num_layers in counts:
        spans = [_span(row, rows, num_layers) for row in range(rows)]
        covered = [layer for first, last in spans for layer in range(first, last + 1)]
        assert covered == list(range(num_layers))
        assert all(first <= last for first, last in spans)
        for row, (first, last) in enumerate(spans):
            for layer in (first, last):
                assert row / rows <= (layer + 0.5) / num_layers < (row + 1) / rows + 1e-12


def test_a_role_that_one_report_lacks_is_null_there_and_not_zero():
    moe, dense = example_reports.moe_report(4), example_reports.dense_report(4, 2048)
    table = layer_table([moe, dense])
    router = next(series for series in table.series if series.role == "router_logits")
    assert all(row[0] is not None and row[1] is None for row in router.values)


def test_a_role_that_nobody_has_is_left_out():
    assert "router_logits" not in [series.role for series in table_of(4, 4).series]


def test_zeros_are_values():
    report = example_reports.small_report()
    sites = [s for s in report["sites"] if s["role"] == "mlp_gate"]
    for site in sites:
        site["abs_max"] = 0.0
    gate = next(s for s in layer_table([report, report]).series if s.role == "mlp_gate")
    assert set(gate.values) == {(0.0, 0.0)}


def test_a_layer_that_was_never_seen_is_null():
    table = layer_table([example_reports.partial_report()] * 2)
    attention = next(s for s in table.series if s.role == "attention_output")
    assert [row[0] is None for row in attention.values] == [False, False, True, False]
