"""How sure M is, in words: what parts of a corpus reach, what first tokens hold, what is inferred.

What was counted and what is inferred stand in sentences of their own, and the latter says so.
"""

from collections.abc import Callable, Iterator

from hubmaxact.rendering import numbers, position_words
from hubmaxact.report.document import Report
from hubmaxact.report.roles import PAPER
from hubmaxact.report.stability import MaximaByText, Tail, TextMaxima

Name = Callable[[str], str]

MOST_DOMAINS = 3
OF_PAPER = "profile paper keeps no maxima of single texts; profile deployment does"
BEFORE = "this report was written before maxima of single texts were kept"


def sentences(report: Report, name: Name) -> Iterator[str]:
    """Yield whole sentences; none where the profile does not look.

    Args:
        report: Of any profile.
        name: Makes a stranger's text fit for where the words stand.

    Yields:
        What was counted first, what is inferred last.
    """
    parts = (
        reached_by(report, name),
        half_of_the_texts(report),
        first_tokens(report),
        position_words.sentence(report),
        inferred(report, name),
    )
    for said in parts:
        if said is not None:
            yield f"{said[0].upper()}{said[1:]}."


def half_of_the_texts(report: Report) -> str | None:
    """What half of the texts reach, which tells whether the other half was needed.

    Args:
        report: Of any profile.

    Returns:
        A sentence without its full stop. None: the profile does not look, or there are no two
        texts, or M is zero. If texts are alike, each of N + 1 is as likely as any other to hold the
        largest value alone.
    """
    maxima = _all_tokens(report)
    if maxima is None or not maxima["abs_max"] or len(maxima["saturation"]) < 2:
        return None
    half = maxima["saturation"][-2]
    share = numbers.percent(half["expected"] / maxima["abs_max"])
    texts = maxima["num_texts"]
    return (
        f"a random half of the {numbers.count(texts, 'text')} reaches "
        f"{numbers.value(half['expected'])} on average, {share} of M, and a further text like "
        f"these exceeds M with a probability of at most 1 in {numbers.count(texts + 1)}"
    )


def reached_by(report: Report, name: Name) -> str | None:
    """How many texts reach M, and of which domains.

    Args:
        report: Of any profile.
        name: Makes a domain's name fit for where the words stand.

    Returns:
        A sentence without its full stop. None: the profile does not look, or nothing was finite.
    """
    maxima = _all_tokens(report)
    if maxima is None or maxima["abs_max"] is None:
        return None
    domains = sorted(maxima["reached_by"].items(), key=lambda each: (-each[1], each[0]))
    said = [f"{numbers.count(number)} of {name(domain)}" for domain, number in domains]
    rest = len(said) - MOST_DOMAINS
    said[MOST_DOMAINS:] = [f"others of {numbers.count(rest, 'more domain')}"] if rest > 0 else []
    if len(domains) == 1:
        said = [f"of {name(domains[0][0])}"]
    texts = sum(maxima["reached_by"].values())
    reach = "reaches M" if texts == 1 else "reach M"
    stop = "," if len(domains) == 1 else ":"
    return f"{numbers.count(texts, 'text')} {reach}{stop} {', '.join(said)}"


def first_tokens(report: Report) -> str | None:
    """How much of M is the first token's, where attention sinks sit.

    Args:
        report: Of any profile.

    Returns:
        A sentence without its full stop. None: the profile does not look, or M is zero.
    """
    maxima, found = _all_tokens(report), report["stability"].get("by_text")
    if maxima is None or found is None or not maxima["abs_max"]:
        return None
    later, texts = found["after_first_token"]["abs_max"], maxima["num_texts"]
    alone = numbers.count(found["num_texts_peaking_at_first_token"])
    where = (
        f"in {alone} of {numbers.count(texts, 'text')} the first token alone holds its largest |x|"
    )
    if later is None:
        return f"{where}; no text has another token with a finite value"
    if later == maxima["abs_max"]:
        return f"{where}; without first tokens M stays what it is"
    share = numbers.percent(later / maxima["abs_max"])
    return f"{where}; without first tokens the largest is {numbers.value(later)}, {share} of M"


def inferred(report: Report, name: Name) -> str | None:
    """What more texts would reach, as far as that can be inferred; or why it cannot.

    Args:
        report: Of any profile.
        name: Makes a reason fit for where the words stand.

    Returns:
        A sentence without its full stop. None: the profile does not look.
    """
    found = report["stability"].get("by_text")
    return None if found is None else inferred_from(found, name)


def inferred_from(found: MaximaByText, name: Name) -> str:
    """What more texts would reach, of a report that looks.

    Args:
        found: Its block.
        name: Makes a reason fit for where the words stand.

    Returns:
        A sentence without its full stop.
    """
    maxima = found["all_tokens"]
    if maxima["tail"] is not None:
        return f"inferred, not measured: {_interval(maxima['tail'], 'M')}"
    why = f"nothing is inferred beyond these texts: {name(maxima['reason'] or '')}"
    later = found["after_first_token"]["tail"]
    if later is None:
        return why
    return f"{why}. Inferred for all but first tokens: {_interval(later, 'the largest')}"


def why_not_by_text(report: Report) -> str | None:
    """Why a report has no maxima of single texts.

    Args:
        report: Of any profile and version.

    Returns:
        A reason without a full stop. None: it has them.
    """
    if "by_text" in report["stability"]:
        return None
    return OF_PAPER if report["protocol"]["profile"] == PAPER else BEFORE


def _interval(tail: Tail, what: str) -> str:
    span = f"from {numbers.value(tail['low'])} to {numbers.value(tail['high'])}"
    return (
        f"of {tail['growth']} times as many texts like these, {what} lies {span} with a "
        f"probability of {numbers.percent(tail['coverage'])} (generalized Pareto tail of the "
        f"{numbers.count(tail['num_texts'])} largest)"
    )


def _all_tokens(report: Report) -> TextMaxima | None:
    found = report["stability"].get("by_text")
    return None if found is None else found["all_tokens"]
