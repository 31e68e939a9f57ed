"""Each family measured once, and seen once by plain hooks."""

from dataclasses import dataclass

import pytest
import torch

from deployed import families, seen
from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.batch_plan import plan_batches
from hubmaxact.measurement.execution.forward import measure


@dataclass
class Both:
    """One family twice."""

    name: str
    model: object
    family: families.Family
    measurement: object
    seen: seen.Seen

    @property
    def sites(self):
        """What was measured, by site."""
        recorded = self.measurement.recorder.result()
        same = self.measurement.anatomy.same
        return recorded.sites | {site: recorded.sites[other] for site, other in same.items()}

    def of(self, role):
        """The sites of a role, with what they show."""
        return {site: result for site, result in self.sites.items() if site.role == role}


@pytest.fixture(scope="session")
def both():
    """Return a family measured and seen; each is run once in a session."""
    done = {}

    def run(name):
        if name not in done:
            done[name] = _run(name)
        return done[name]

    return run


def _run(name):
    torch.set_num_threads(1)
    model, family = families.build(name), families.FAMILIES[name]
    ids = seen.samples()
    pads = not family.bidirectional
    plan = plan_batches(seen.LENGTHS, calibration=2, evaluation=2, batch_tokens=24, pads=pads)
    anatomy = find_sites(model, profile="deployment")
    measurement = measure(model, anatomy, plan, ids)
    shown = seen.run(model, family.layers_name, ids, plan.batches, owner=family.owner, caches=pads)
    return Both(name, model, family, measurement, shown)
