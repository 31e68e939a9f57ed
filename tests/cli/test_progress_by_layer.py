"""A batch that goes through layers one at a time moves the bar by a layer's share each time."""

import io
import re

import pytest
from rich.console import Console

from hubmaxact.cli.measure_progress import RichWatcher
from hubmaxact.measurement.batch_plan import plan_batches

LENGTHS = [10, 10, 30, 30]
PLAN = plan_batches(LENGTHS, calibration=4, evaluation=0, batch_tokens=60)


def test_layers_and_batches_add_up_to_all_tokens():
    watcher = RichWatcher()
    watcher.console = Console(file=io.StringIO())
    watcher.planned(PLAN, 3, sum(LENGTHS))
    for number in range(4):
        for batch in PLAN.batches:
            watcher.layer_done(batch, 4)
        assert watcher.size_done == pytest.approx((number + 1) / 4 * sum(LENGTHS))
    assert watcher.done == 0
    for batch in PLAN.batches:
        watcher.batch_done(batch)
    assert watcher.size_done == pytest.approx(sum(LENGTHS))
    said = watcher.console.file.getvalue()
    assert re.search(rf"{len(PLAN.batches)}/{len(PLAN.batches)} batches, .* about 0 s left", said)
