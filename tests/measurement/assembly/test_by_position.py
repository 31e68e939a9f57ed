"""Maxima of texts by position: where texts peak, and where they reach M."""

from hubmaxact.measurement.assembly.certainty.by_position import maxima_by_position
from hubmaxact.measurement.statistics.stretches import OF_A_SAMPLE

NOTHING = (-1.0, -1.0, -1.0, -1.0)


def found(*by_stretch):
    rows = maxima_by_position([*by_stretch, *[NOTHING] * (OF_A_SAMPLE - len(by_stretch))])
    return [tuple(row.values()) for row in rows]


def test_of_equal_values_the_first_counts_and_each_reaches_m():
    assert found(
        (8.0, 1.0, 8.0, -1.0), (2.0, 4.0, -1.0, -1.0), NOTHING, (8.0, 4.0, -1.0, -1.0)
    ) == [
        (0, 0, 8.0, 2, 2),
        (1, 1, 4.0, 1, 0),
        (2, 3, None, 0, 0),
        (4, 7, 8.0, 0, 1),
    ]


def test_the_last_stretch_has_no_end():
    rows = maxima_by_position([*[NOTHING] * (OF_A_SAMPLE - 1), (0.0, -1.0, -1.0, -1.0)])
    assert len(rows) == OF_A_SAMPLE
    assert tuple(rows[-2].values()) == (8192, 16383, None, 0, 0)
    assert tuple(rows[-1].values()) == (16384, None, 0.0, 1, 1)


def test_where_nothing_was_finite_there_are_no_rows():
    assert found() == []
    assert maxima_by_position([()] * OF_A_SAMPLE) == []
