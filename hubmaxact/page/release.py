"""One release as the page shows it: a row of the table, and everything for a comparison.

Keys are sent as they are, because a picked release is found by its key; every other text of a
stranger is sent as `shown` leaves it.
"""

from typing import Any

from hubmaxact.catalog.row import Row
from hubmaxact.errors import HubError
from hubmaxact.hub.repository import check_repo_id
from hubmaxact.page.columns import COLUMNS, Cell, weights
from hubmaxact.page.safe_text import LONGEST_SENTENCE, shown
from hubmaxact.page.verdict import Verdict, site, verdict
from hubmaxact.rendering.end_to_end_words import way
from hubmaxact.rendering.fit.advice import scaled_by
from hubmaxact.report.row_fields import field

HUB = "https://huggingface.co/"
LONGEST_NAME = 240
NOT_READ = "Not read when this index was built"

SEARCHED = (
    "name", "repo_id", "model_id", "family", "model_type", "architecture", "stage", "base_model",
    "carrier_module", "corpus_name",
)  # fmt: skip


def table_row(row: Row, kept: str | None = None) -> dict[str, Any]:
    """A release as one row of the page's table; `kept` says why its repository was not read."""
    cells: dict[str, Cell] = {column.name: column.cell(row) for column in COLUMNS}
    return {
        "key": row["key"],
        "name": shown(row["name"], LONGEST_NAME),
        "href": href(row),
        "claimed": claimed(row),
        "source": shown(row["source"]),
        "trust": shown(row["trust"]),
        "trust_words": trust_words(row, kept),
        "own_code": row["remote_code"] is True,
        "cells": cells,
        "verdict": verdict(row),
    }


def release(row: Row, kept: str | None = None) -> dict[str, Any]:
    """A release with all that its row says, for comparing."""
    said: Verdict = verdict(row)
    notes = row["notes"] if kept is None else [*row["notes"], f"{NOT_READ}: {kept}"]
    detail = row["trust_detail"]
    return {
        "key": row["key"],
        "name": shown(row["name"], LONGEST_NAME),
        "href": href(row),
        "claimed": claimed(row),
        "verdict": said,
        "trust_words": trust_words(row, kept),
        "own_code": row["remote_code"] is True,
        "trust_detail": None if detail is None else shown(detail, LONGEST_SENTENCE),
        "row": {**_all_shown(row), "key": row["key"]},
        "losses": [{**_all_shown(loss), "way": way(loss)} for loss in row["losses"] or ()],
        "scaling": scaling(row),
        "notes": [shown(note, LONGEST_SENTENCE) for note in notes if note],
    }


def scaling(row: Row) -> str | None:
    """What keeps the residual stream within fp16, where it goes beyond and that is known."""
    exponent = row["residual_exponent"] or 0
    if not row["exceeds_float16"] or exponent <= 0:
        return None
    return f"fp16: {scaled_by(exponent, row['num_left_beyond'] or 0)}"


def trust_words(row: Row, kept: str | None = None) -> str:
    """Whether the report speaks of the weights beside it; of a copy, whose they are."""
    is_copy = row["trust"] == "copied" and row["copied_from"]
    words = f"copied from {shown(row['copied_from'] or '')}" if is_copy else shown(row["trust"])
    return words if kept is None else f"{words}, when last read"


def claimed(row: Row) -> str | None:
    """Who a report says it is, where no listing of the Hub named it."""
    told = row["model_id"]
    if told is None or row["repo_id"] is not None:
        return None
    return f"says it is {shown(told, LONGEST_NAME)}"


def href(row: Row) -> str | None:
    """The repository's page; None unless the Hub's own listing named it."""
    repo_id = row["repo_id"]
    # Older versions of huggingface_hub take letters of any script.
    if repo_id is None or not repo_id.isascii():
        return None
    try:
        check_repo_id(repo_id)
    except HubError:
        return None
    return HUB + repo_id


def search_text(row: Row) -> str:
    """What a search looks into: names and kinds, lower-cased."""
    texts = [field(row, name) for name in SEARCHED]
    known = dict.fromkeys(text for text in [*texts, weights(row), site(row)] if text)
    return " ".join(shown(text, LONGEST_NAME) for text in known).lower()


def _all_shown(value: Any) -> Any:
    if isinstance(value, str):
        return shown(value, LONGEST_SENTENCE)
    if isinstance(value, list):
        return [_all_shown(item) for item in value]
    if isinstance(value, dict):
        return {name: _all_shown(item) for name, item in value.items()}
    return value
