"""A tensor's layout is told once, from sizes that coincide with nothing, and then kept to."""

import pytest
import torch

from hubmaxact.measurement.anatomy.probe_pass import LENGTH, NUM_SEQUENCES
from hubmaxact.measurement.anatomy.token_layout import Layout, layout_of, rows_by_token

SHAPES = {
    Layout.BATCHED: lambda batch, length: (batch, length, 5),
    Layout.FLAT: lambda batch, length: (batch * length, 5),
    Layout.STREAMS_BATCHED: lambda batch, length: (4, batch, length, 5),
    Layout.STREAMS_FLAT: lambda batch, length: (4, batch * length, 5),
    Layout.ONE_HEAD: lambda batch, length: (batch, 1, length, 5),
}


def named(layout, batch, length):
    """A tensor whose every value is the flat number of its token."""
    tokens = torch.arange(batch * length).float()
    flat = layout in (Layout.FLAT, Layout.STREAMS_FLAT)
    tokens = tokens if flat else tokens.view(batch, length)
    tokens = tokens.unsqueeze(1) if layout is Layout.ONE_HEAD else tokens
    return tokens.unsqueeze(-1).expand(SHAPES[layout](batch, length))


@pytest.mark.parametrize("layout", Layout)
def test_the_probe_tells_every_layout(layout):
    assert layout_of(SHAPES[layout](NUM_SEQUENCES, LENGTH), NUM_SEQUENCES, LENGTH) is layout


@pytest.mark.parametrize("layout", Layout)
# Four sequences of four tokens: streams, sequences and length all are four.
@pytest.mark.parametrize(("batch", "length"), [(4, 4), (1, 4), (4, 1), (2, 2), (3, 7)])
def test_rows_are_those_of_their_tokens_also_where_sizes_coincide(layout, batch, length):
    rows = rows_by_token(named(layout, batch, length), layout, batch, length)
    assert torch.equal(rows, torch.arange(batch * length).float().unsqueeze(1).expand_as(rows))


@pytest.mark.parametrize("shape", [(), (22,), (2, 11), (7, 44, 5), (22 * 3, 5)])
def test_other_shapes_say_nothing(shape):
    assert layout_of(shape, NUM_SEQUENCES, LENGTH) is None


def test_a_tensor_of_another_layout_is_refused():
    with pytest.raises(ValueError, match="expected"):
        rows_by_token(torch.zeros(5, 2, 3), Layout.BATCHED, 2, 3)
