"""Several states as one, and taken apart again."""

import torch

from hubmaxact.measurement.statistics.accumulator import by_part, joined
from hubmaxact.measurement.statistics.experts import ExpertMaxima, RoutedTokens


def test_states_join_under_their_names_and_part_again():
    parts = {"routed": RoutedTokens(2), "maxima": ExpertMaxima(3)}
    whole = joined(parts)
    assert list(whole) == ["routed/tokens", "maxima/abs_max"]
    assert by_part(whole) == {name: part.state() for name, part in parts.items()}


def test_a_part_of_a_part_keeps_the_rest_of_its_name():
    tensor = torch.zeros(1)
    state = {"values/sums/high": tensor, "values/min": tensor}
    assert by_part(state) == {"values": {"sums/high": tensor, "min": tensor}}
