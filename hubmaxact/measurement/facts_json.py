"""A run's facts as JSON, and again from it: what is read may have been written by anybody."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from hubmaxact.measurement.anatomy.site import Anatomy, Missing, Point, Site, Summand
from hubmaxact.measurement.anatomy.token_layout import Layout
from hubmaxact.measurement.batch_plan import Batch, Plan, Split
from hubmaxact.measurement.rotary_pairs import Pairs
from hubmaxact.measurement.run_facts import RunFacts
from hubmaxact.report.validate import problems_of

BLOCKS = ("model", "protocol", "environment")
"""Parts that a report has as they are."""

BY_LAYER = ("experts", "num_experts", "experts_per_token")
"""What an anatomy tells by layer: JSON has no numbers as names."""


def to_json(facts: RunFacts) -> dict[str, Any]:
    """Write a run's facts in the types of JSON.

    Args:
        facts: The run.

    Returns:
        An object that `of_json` reads.
    """
    anatomy = facts.anatomy
    told = {name: getattr(anatomy, name) for name in PLAIN}
    return {
        **{name: getattr(facts, name) for name in BLOCKS},
        "domains": list(facts.domains),
        "plan": {
            "digest": facts.plan.digest,
            "batches": [[b.split, b.length, list(b.samples)] for b in facts.plan.batches],
        },
        "anatomy": {
            **told,
            "sites": list(map(asdict, anatomy.sites)),
            "missing": list(map(asdict, anatomy.missing)),
            **{name: sorted(getattr(anatomy, name).items()) for name in BY_LAYER},
            "same": [[asdict(site), other.key] for site, other in anatomy.same.items()],
            "pairs": [[site.key, asdict(pairs)] for site, pairs in anatomy.pairs.items()],
        },
        "allow_partial": facts.allow_partial,
    }


PLAIN = ("owner", "num_layers", "absent", "routing_layers", "bidirectional", "why_no_cache")
"""What an anatomy tells in types that JSON has."""


def of_json(told: Mapping[str, Any]) -> RunFacts:
    """Read a run's facts.

    Args:
        told: What `to_json` wrote, after a way through JSON text.

    Returns:
        The run.

    Raises:
        ValueError: It is nothing that was written so.
        TypeError: Likewise.
        LookupError: Likewise.
    """
    for block in BLOCKS:
        for problem in problems_of(block, told[block]):
            raise ValueError(str(problem))
    return RunFacts(
        **{name: told[name] for name in BLOCKS},
        domains=tuple(map(str, told["domains"])),
        plan=_plan(told["plan"]),
        anatomy=_anatomy(told["anatomy"]),
        allow_partial=bool(told["allow_partial"]),
    )


def _plan(told: Mapping[str, Any]) -> Plan:
    batches = (
        Batch(index, Split(split), tuple(map(int, samples)), int(length))
        for index, (split, length, samples) in enumerate(told["batches"])
    )
    return Plan(tuple(batches), str(told["digest"]))


def _anatomy(told: Mapping[str, Any]) -> Anatomy:
    sites = tuple(map(_site, told["sites"]))
    by_key = {site.key: site for site in sites}
    plain: dict[str, Any] = {name: told[name] for name in PLAIN}
    by_layer = {name: {int(layer): value for layer, value in told[name]} for name in BY_LAYER}
    return Anatomy(
        **{**plain, **by_layer, "routing_layers": tuple(told["routing_layers"])},
        sites=sites,
        missing=tuple(Missing(**each) for each in told["missing"]),
        same={_site(site): by_key[key] for site, key in told["same"]},
        pairs={by_key[key]: Pairs(**pairs) for key, pairs in told["pairs"]},
    )


def _site(told: Mapping[str, Any]) -> Site:
    layout = told["layout"]
    return Site(
        **{
            **told,
            "point": Point(told["point"]),
            "layout": None if layout is None else Layout(layout),
            "summands": tuple(Summand(**each) for each in told["summands"]),
            "maps": tuple(told["maps"]),
        }
    )


def through_json(facts: RunFacts) -> dict[str, Any]:
    """The same after a way through JSON text: what another process reads.

    Args:
        facts: The run.

    Returns:
        Plain values that compare with ==.
    """
    plain: dict[str, Any] = json.loads(json.dumps(to_json(facts)))
    return plain
