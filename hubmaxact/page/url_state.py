"""What a page shows, as its address says it: the query string and the state it stands for.

The address is anybody's to write, so nothing in it is an error: unknown keys are passed over, bad
values are the default, lists end at their cap. Knows nothing of rows: whether a facet's value or
a picked key exists is found out where it is looked up.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qsl, quote

from hubmaxact.catalog.extract import BY_LAYER
from hubmaxact.page.columns import COLUMNS
from hubmaxact.page.facets import FACETS
from hubmaxact.page.safe_text import LONGEST_VALUE

PAGE_SIZE = 25
MAX_PICKS = 8
MOST_VALUES = 20  # of one facet
LONGEST_SEARCH = 200
LONGEST_KEY = 600  # a path in a folder, with its prefix
LONGEST_ADDRESS = 64 * 1024

VIEWS = ("releases", "findings")
ROLES = BY_LAYER
SCOPES = ("paper", "measured", "all")
"""The first view and the first role are the defaults; of scopes, the index decides."""

SORTABLE = frozenset(column.name for column in COLUMNS if column.sortable)
BLANK = re.compile(r"[\x00-\x20\x7f]+")
PAGE = re.compile(r"[1-9][0-9]{0,5}")
UNESCAPED = "!'()*"  # beside what quote() leaves alone: together, as encodeURIComponent


class Sort(NamedTuple):
    """A column of the table and a direction."""

    column: str
    descending: bool


DEFAULT_SORT = Sort("abs_max", descending=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything that an address decides. Facets without a chosen value are left out."""

    q: str = ""
    facets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sort: Sort = DEFAULT_SORT
    page: int = 1
    picks: tuple[str, ...] = ()
    role: str = ROLES[0]
    view: str = VIEWS[0]
    scope: str = ""  # empty: the first that the index has reports for


def parse(query_string: str) -> View:
    """Return the state that a query string stands for; of a key that has one value, the first.

    Never raises.
    """
    given: dict[str, list[str]] = {}
    # Half a surrogate pair is no character; it could not be written back.
    text = query_string[:LONGEST_ADDRESS].encode("utf-8", "replace").decode("utf-8")
    for name, value in parse_qsl(text.removeprefix("?"), keep_blank_values=True):
        given.setdefault(name, []).append(value)
    chosen = {f.name: _several(given.get(f.name), MOST_VALUES, LONGEST_VALUE) for f in FACETS}
    return View(
        q=_search(_first(given, "q")),
        facets={name: values for name, values in chosen.items() if values},
        sort=_sort(_first(given, "sort")),
        page=_page(_first(given, "page")),
        picks=_several(given.get("pick"), MAX_PICKS, LONGEST_KEY),
        role=_one_of(ROLES, _first(given, "role")),
        view=_one_of(VIEWS, _first(given, "view")),
        scope=scope if (scope := _first(given, "scope")) in SCOPES else "",
    )


def query_string(view: View) -> str:
    """Return the one query string of a state: defaults left out, keys in a fixed order."""
    sort = f"{'-' if view.sort.descending else ''}{view.sort.column}"
    pairs = [
        ("view", view.view if view.view != VIEWS[0] else ""),
        ("q", view.q),
        *((facet.name, value) for facet in FACETS for value in view.facets.get(facet.name, ())),
        ("sort", sort if view.sort != DEFAULT_SORT else ""),
        ("page", str(view.page) if view.page > 1 else ""),
        ("role", view.role if view.role != ROLES[0] else ""),
        ("scope", view.scope),
        *(("pick", key) for key in view.picks),
    ]
    return "&".join(f"{name}={quote(value, safe=UNESCAPED)}" for name, value in pairs if value)


def _first(given: dict[str, list[str]], name: str) -> str:
    return given.get(name, [""])[0]


def _search(text: str) -> str:
    """Words with one space between them, cut at the longest search."""
    return BLANK.sub(" ", text).strip(" ")[:LONGEST_SEARCH].strip(" ")


def _several(values: Iterable[str] | None, most: int, longest: int) -> tuple[str, ...]:
    usable = dict.fromkeys(value for value in values or () if 0 < len(value) <= longest)
    return tuple(usable)[:most]


def _sort(text: str) -> Sort:
    column = text.removeprefix("-")
    return Sort(column, text.startswith("-")) if column in SORTABLE else DEFAULT_SORT


def _page(text: str) -> int:
    return int(text) if PAGE.fullmatch(text) else 1


def _one_of(allowed: tuple[str, ...], text: str) -> str:
    return text if text in allowed else allowed[0]
