"""Results made during the last batch are those of the whole run, and none is kept stale."""

import torch
from command import DENSE
from oracle import texts
from oracle.order import facts

from hubmaxact import Options
from hubmaxact.measurement.execution.forward import measure
from hubmaxact.measurement.execution.recorder import Recorder
from hubmaxact.measurement.kernels.torch_operations import TorchOperations
from hubmaxact.measurement.prepare import plan_for, prepare
from hubmaxact.measurement.source import Source
from hubmaxact.measurement.watcher import Watcher

CPU = torch.device("cpu")


class Ahead(TorchOperations):
    """Has always read what it was given, as a GPU that is never late."""

    def has_read(self, statistics):
        return True


def shown(recorder):
    return {site: (facts(each.values), each.top) for site, each in recorder.result().sites.items()}


def test_they_are_made_early_and_made_again_when_their_site_fires_again(tmp_path):
    corpus = str(texts.write(tmp_path / "texts.jsonl", texts.ROWS[:8]))
    options = Options(corpus=corpus, batch_tokens=64, max_seq_len=32, calibration_samples=0)
    prepared = prepare(Source(DENSE), options, Watcher())
    model, anatomy, ids = prepared.loaded.model, prepared.anatomy, prepared.samples.ids
    plan = plan_for(prepared.samples, options, 64)
    first, *others = plan.batches
    early, plain = Recorder(anatomy, len(ids)), Recorder(anatomy, len(ids))
    early._readers[CPU] = Ahead(CPU, "to be never late")
    made = []
    for batches in ([first], others):
        for recorder in (early, plain):
            measure(model, anatomy, plan, ids, batches=batches, recorder=recorder)
        made.append(len(early._results))
        assert shown(early) == shown(plain)
    assert all(0 < number < len(anatomy.sites) for number in made)
