"""Rules about the positions of maxima: the rows are those of all texts, and hold what is shown."""

from collections.abc import Iterator

from hubmaxact.report.consistency.predicates import in_global_max
from hubmaxact.report.document import Report
from hubmaxact.report.problem import Problem
from hubmaxact.report.stability import PositionMaxima

PATH = "stability.by_text.by_position"
MOST_ROWS = 16


def positions_double(report: Report) -> Iterator[Problem]:
    """Rows begin at 0, 1, 2, 4 and so on, end where the next begins, and lie within a text."""
    longest, rows = report["protocol"]["max_seq_len"], _rows(report)
    for place, row in enumerate(rows):
        last = None if place == MOST_ROWS - 1 else max((1 << place) - 1, 0)
        expected = _span(1 << place >> 1, last)
        said = _span(row["first_position"], row["last_position"])
        if said != expected:
            yield Problem(f"{PATH}[{place}]", f"is of positions {said}, expected {expected}")
    if not rows:
        return
    first, path = rows[-1]["first_position"], f"{PATH}[{len(rows) - 1}]"
    if first >= longest:
        message = f"is {first}, but protocol.max_seq_len is {longest}"
        yield Problem(f"{path}.first_position", message)
    if rows[-1]["abs_max"] is None:
        yield Problem(f"{path}.abs_max", "is null, but the last row must hold a value")


def positions_agree_with_texts(report: Report) -> Iterator[Problem]:
    """Rows reach what all tokens and all but first ones do, and every text peaks in one of them."""
    found, rows = report["stability"].get("by_text"), _rows(report)
    if found is None or "by_position" not in found:
        return
    for name, block, some in (
        ("all_tokens", found["all_tokens"], rows),
        ("after_first_token", found["after_first_token"], rows[1:]),
    ):
        largest = max((row["abs_max"] for row in some if row["abs_max"] is not None), default=None)
        if largest != block["abs_max"]:
            yield Problem(PATH, f"reaches {largest}, but {name}.abs_max is {block['abs_max']}")
    peaking, texts = _peaking(rows), found["all_tokens"]["num_texts"]
    if peaking != texts:
        yield Problem(PATH, f"has {peaking} texts, but all_tokens.num_texts is {texts}")
    first, alone = _peaking(rows[:1]), found["num_texts_peaking_at_first_token"]
    if first < alone:
        message = f"is {first}, but num_texts_peaking_at_first_token is {alone}"
        yield Problem(f"{PATH}[0].num_texts_peaking", message)


def positions_that_reach_m(report: Report) -> Iterator[Problem]:
    """Where rows reach M there are texts that do; each of them has its largest there or before."""
    found, rows = report["stability"].get("by_text"), _rows(report)
    if found is None or not rows:
        return
    largest, texts = found["all_tokens"]["abs_max"], sum(found["all_tokens"]["reached_by"].values())
    for place, row in enumerate(rows):
        path, number = f"{PATH}[{place}]", row["num_texts_reaching_max"]
        if row["abs_max"] is None and row["num_texts_peaking"]:
            yield Problem(f"{path}.abs_max", "is null, but texts have their largest value there")
        reaches = row["abs_max"] is not None and row["abs_max"] == largest
        most = min(texts, _peaking(rows[: place + 1])) if reaches else 0
        if not reaches <= number <= most:
            message = f"is {number}, but the counts allow {int(reaches)} to {most}"
            yield Problem(f"{path}.num_texts_reaching_max", message)
    reaching = sum(row["num_texts_reaching_max"] for row in rows)
    if reaching < texts:
        yield Problem(PATH, f"has {reaching} texts that reach M, but reached_by has {texts}")


def positions_hold_what_is_shown(report: Report) -> Iterator[Problem]:
    """No value with coordinates exceeds the largest of its stretch."""
    rows = _rows(report)
    for site in in_global_max(report["sites"]) if rows else ():
        for top in site["top"]:
            place = min(top["token_position"].bit_length(), MOST_ROWS - 1)
            largest = rows[place]["abs_max"] if place < len(rows) else None
            if largest is None or abs(top["value"]) > largest:
                shown = f"{site['role']} shows {top['value']} at {top['token_position']}"
                yield Problem(f"{PATH}[{place}].abs_max", f"is {largest}, but {shown}")


def _peaking(rows: list[PositionMaxima]) -> int:
    return sum(row["num_texts_peaking"] for row in rows)


def _rows(report: Report) -> list[PositionMaxima]:
    found = report["stability"].get("by_text")
    return [] if found is None else found.get("by_position", [])


def _span(first: int, last: int | None) -> str:
    return f"{first} and later" if last is None else f"{first} to {last}"
