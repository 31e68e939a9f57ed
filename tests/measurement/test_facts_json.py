"""A run's facts go through JSON and come back as they were; what was not written so is refused."""

import copy

import pytest
from deployed import families
from example_reports import moe_report
from oracle import tiny

from hubmaxact.measurement.anatomy.find_sites import find_sites
from hubmaxact.measurement.batch_plan import plan_batches
from hubmaxact.measurement.facts_json import of_json, through_json
from hubmaxact.measurement.run_facts import RunFacts
from hubmaxact.report.roles import DEPLOYMENT, PAPER


def facts_of(model, profile):
    report = moe_report()
    return RunFacts(
        model=report["model"],
        protocol=report["protocol"],
        environment=report["environment"],
        domains=("math", "code", "math"),
        plan=plan_batches([5, 9, 2], calibration=1, evaluation=1, batch_tokens=12),
        anatomy=find_sites(model, profile=profile),
        allow_partial=True,
    )


@pytest.mark.parametrize(
    ("name", "profile"), [("qwen3_moe", PAPER), ("gemma2", DEPLOYMENT), ("deepseek_v3", DEPLOYMENT)]
)
def test_they_come_back_as_they_were(name, profile):
    made = families.build(name) if name == "deepseek_v3" else tiny.random_model(name, seed=1)
    facts = facts_of(made, profile)
    assert of_json(through_json(facts)) == facts
    assert through_json(of_json(through_json(facts))) == through_json(facts)


WRONG = {
    "another block": lambda told: told["protocol"].pop("dtype"),
    "a block of another kind": lambda told: told.update(model=[]),
    "no plan": lambda told: told.pop("plan"),
    "another split": lambda told: told["plan"]["batches"][0].__setitem__(0, "test"),
    "a number in words": lambda told: told["plan"]["batches"][0].__setitem__(1, "two"),
    "a site with more": lambda told: told["anatomy"]["sites"][0].update(more=1),
    "another point": lambda told: told["anatomy"]["sites"][0].update(point="nowhere"),
    "sites that are none": lambda told: told["anatomy"].update(sites=[1, 2]),
    "layers that are none": lambda told: told["anatomy"].update(experts=[["first", "a"]]),
    "pairs of no site": lambda told: told["anatomy"].update(pairs=[["nobody", {}]]),
}


@pytest.fixture(scope="module")
def told():
    return through_json(facts_of(tiny.random_model("qwen3_moe", seed=1), PAPER))


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_what_was_not_written_so_is_refused(told, change):
    damaged = copy.deepcopy(told)
    change(damaged)
    with pytest.raises((ValueError, TypeError, LookupError)):
        of_json(damaged)
