"""Small models with their sites and thresholds, each measured once."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from command import DENSE, MOE
from deployed import families, odd_families
from transformers import AutoModelForCausalLM

from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.asked_rounding import asked_roundings
from hubmaxact.measurement.batch_plan import plan_batches
from hubmaxact.measurement.end_to_end.passes import EndToEndPasses
from hubmaxact.measurement.execution.forward import measure

LENGTHS = [17, 9, 12, 21, 30, 2, 25, 1, 14, 8]
TRAINED = {"dense": DENSE, "moe": MOE}


@dataclass
class Ready:
    """A model whose calibration split was measured."""

    model: object
    plan: object
    ids: list
    measurement: object

    @property
    def evaluation(self):
        """The batches that run again."""
        return self.plan.evaluation

    @property
    def calibration(self):
        """The batches before those."""
        return [b for b in self.plan.batches if b.split == "calibration"]

    def losses(self, *asked):
        """What the passes show of some ways of rounding."""
        found = self.measurement
        passes = EndToEndPasses(
            self.model, found.anatomy, asked_roundings(asked), found.recorder.sites
        )
        return passes.run(self.plan, self.ids)


@pytest.fixture(scope="session")
def ready():
    """Return a model of this name in this number format."""
    done = {}

    def made(name, dtype=torch.float32):
        if (name, dtype) not in done:
            done[name, dtype] = _made(name, dtype)
        return done[name, dtype]

    return made


def _made(name, dtype):
    torch.set_num_threads(1)
    if name in TRAINED:
        model = AutoModelForCausalLM.from_pretrained(TRAINED[name], dtype=dtype).eval()
    else:
        made = odd_families if name in odd_families.CONFIGS else families
        model = made.build(name).to(dtype)
    choice = np.random.default_rng(5)
    ids = [choice.integers(3, 320, length).astype(np.int32) for length in LENGTHS]
    plan = plan_batches(LENGTHS, calibration=3, evaluation=6, batch_tokens=64)
    anatomy = find_sites(model, profile="deployment")
    measurement = measure(model, anatomy, plan, ids)
    measurement.recorder.settle()
    return Ready(model, plan, ids, measurement)
