"""Rules about maxima over sites: M, its carriers, roles and domains."""

from collections.abc import Iterator

from hubmaxact.formats import bf16_step
from hubmaxact.printable import counted, shown
from hubmaxact.report.consistency.predicates import (
    finite_sites,
    in_global_max,
    magnitude,
    name_of,
    near,
    told,
)
from hubmaxact.report.document import Report, SiteFacts
from hubmaxact.report.json_text import join
from hubmaxact.report.problem import Problem
from hubmaxact.report.row_fields import fields

PLACE = ("role", "layer", "part", "module")
COORDINATES = ("sample", "token_position", "token_id", "channel")


def _tied(report: Report) -> list[SiteFacts]:
    """The sites that M is taken over and that hold the largest |a| among them."""
    sites = in_global_max(finite_sites(report))
    largest = max(map(magnitude, sites), default=None)
    return [site for site in sites if site["abs_max"] == largest]


def global_max_is_the_largest(report: Report) -> Iterator[Problem]:
    """M is the largest abs_max among its roles, with a sign; null when there is none."""
    peak, tied = report["global_max"], _tied(report)
    if peak is None or not tied:
        if (peak is None) != (not tied):
            words = "null" if peak is None else "given"
            carry = counted(len(tied), "site carries", "sites carry")
            yield Problem("global_max", f"is {words}, but {carry} a finite maximum")
        return
    if abs(peak["value"]) != peak["abs_max"]:
        message = f"is {peak['abs_max']}, but value is {peak['value']}"
        yield Problem("global_max.abs_max", message)
    if peak["abs_max"] != tied[0]["abs_max"]:
        site = name_of(tied[0]["role"], tied[0]["layer"], tied[0]["part"])
        message = f"is {peak['abs_max']}, but the largest site, {site}, has {tied[0]['abs_max']}"
        yield Problem("global_max.abs_max", message)
    if not near(peak["bf16_step"], bf16_step(peak["abs_max"])):
        message = f"is {peak['bf16_step']}, but at M the step is {bf16_step(peak['abs_max'])}"
        yield Problem("global_max.bf16_step", message)


def carriers_are_the_ties(report: Report) -> Iterator[Problem]:
    """Carriers are exactly the sites whose abs_max is M, in order, with their coordinates."""
    peak, tied = report["global_max"], _tied(report)
    if peak is None:
        return
    if len(peak["carriers"]) != len(tied):
        hold = counted(len(tied), "site holds", "sites hold")
        message = f"names {counted(len(peak['carriers']), 'site')}, but {hold} M"
        yield Problem("global_max.carriers", message)
        return
    for position, (carrier, site) in enumerate(zip(peak["carriers"], tied, strict=True)):
        said = fields(carrier, PLACE + COORDINATES)
        known = _place_and_coordinates(site)
        yield from _differences(f"global_max.carriers[{position}]", said, known, "that site")
        if carrier["num_ties"] > site["count"]:
            message = f"is {carrier['num_ties']}, but the site has {told(site['count'], 'element')}"
            yield Problem(f"global_max.carriers[{position}].num_ties", message)


def first_carrier_is_named(report: Report) -> Iterator[Problem]:
    """M sits at its first carrier, with that site's sign and coordinates."""
    peak, tied = report["global_max"], _tied(report)
    if peak is None or not tied:
        return
    known = _place_and_coordinates(tied[0]) | {"value": tied[0]["top"][0]["value"]}
    said = fields(peak, known)
    yield from _differences("global_max", said, known, "the first site that holds M")


def roles_agree(report: Report) -> Iterator[Problem]:
    """max_by_role names, for each role with a finite value, its first largest site."""
    best: dict[str, SiteFacts] = {}
    for site in finite_sites(report):
        if site["role"] not in best or magnitude(site) > magnitude(best[site["role"]]):
            best[site["role"]] = site
    said = report["max_by_role"]
    for role in sorted(set(best) ^ set(said)):
        words = "is given, but no site" if role in said else "is left out, but a site"
        yield Problem(f"max_by_role.{role}", f"{words} of this role has a finite value")
    for role in sorted(set(best) & set(said)):
        site = best[role]
        known: dict[str, object] = {
            "value": site["top"][0]["value"],
            "layer": site["layer"],
            "module": site["module"],
        }
        yield from _differences(f"max_by_role.{role}", dict(said[role]), known, "the largest site")


def domains_agree(report: Report) -> Iterator[Problem]:
    """Domains are the corpus's; the largest of them is M."""
    said, texts = report["domains"], report["protocol"]["corpus"]["domains"]
    peak = report["global_max"]
    if set(said) != set(texts):
        odd = min(set(said) ^ set(texts))
        message = f"are not those of protocol.corpus.domains: {shown(odd)} is in one of them only"
        yield Problem("domains", message)
        return
    largest = max((value for value in said.values() if value is not None), default=None)
    if peak is not None and largest != peak["abs_max"]:
        message = f"have {largest} as their largest, but global_max.abs_max is {peak['abs_max']}"
        yield Problem("domains", message)
    for name, value in said.items():
        if value is not None and (peak is None or not texts[name]):
            read = told(texts[name], "text was", "texts were")
            yield Problem(join("domains", name), f"is {value}, but {read} read")


def texts_have_maxima(report: Report) -> Iterator[Problem]:
    """Where every value is finite and every site was seen, a domain with tokens has a maximum."""
    protocol = report["protocol"]
    corpus = protocol["corpus"]
    empty = [name for name, value in report["domains"].items() if value is None]
    silent = sum(corpus["domains"].get(name, 0) for name in empty)
    # A tokenizer may make no token of a text, unless it puts one before every text.
    most = (corpus["num_samples"] - silent) * protocol["max_seq_len"]
    possible = not protocol["special_tokens"]["bos_added"] and corpus["num_tokens"] <= most
    if report["status"] != "complete" or possible:
        return
    for name in empty:
        if texts := corpus["domains"].get(name):
            read = told(texts, "text was", "texts were")
            message = f"is null, but {read} read and every value is finite"
            yield Problem(join("domains", name), message)


def batch_was_planned(report: Report) -> Iterator[Problem]:
    """A batch holds a text at least, so there are no more batches than texts."""
    peak, samples = report["global_max"], report["protocol"]["corpus"]["num_samples"]
    if peak is not None and peak["batch"] >= samples:
        texts, most = told(samples, "text fills", "texts fill"), told(samples, "batch", "batches")
        message = f"is {peak['batch']}, but {texts} at most {most}"
        yield Problem("global_max.batch", message)


def _place_and_coordinates(site: SiteFacts) -> dict[str, object]:
    return fields(site, PLACE) | fields(site["top"][0], COORDINATES)


def _differences(
    path: str, said: dict[str, object], known: dict[str, object], owner: str
) -> Iterator[Problem]:
    for name, value in known.items():
        if said[name] != value:
            message = f"is {_word(said[name])}, but {owner} has {_word(value)}"
            yield Problem(f"{path}.{name}", message)


def _word(value: object) -> object:
    return "null" if value is None else value
