"""Filtering, ordering and paging of releases; what a browser does in a static export, done here.

A search's words must all stand in a row's text. Of one facet any chosen value will do, and every
facet must agree. Text is ordered lower-cased and by UTF-16 code units, as JavaScript's `<` orders
it, false before true; the unknown comes last in both directions, and ties go by key.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from hubmaxact.catalog.row import Row
from hubmaxact.page.columns import COLUMN_BY_NAME, Cell
from hubmaxact.page.facets import FACETS, protocol, values
from hubmaxact.page.release import search_text
from hubmaxact.page.safe_text import collated
from hubmaxact.page.url_state import PAGE_SIZE, Sort, View


class Page(NamedTuple):
    """One page of the rows that a view asks for."""

    rows: list[Row]
    total: int
    page: int
    pages: int
    protocols: Counter[str]  # how many of all found rows were measured in which way


class Query:
    """Answers views over rows that are given in the order of their keys and never change."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.texts = [search_text(row) for row in rows]
        self.places = {facet.name: _places(rows, facet.name) for facet in FACETS}
        self._protocols = [value for row in rows for value, _ in protocol(row)]
        self.order = cache(self._order)

    def page(self, view: View) -> Page:
        """The page that a view asks for; beyond the end, the last one."""
        found = list(self._found(view))
        pages = max(1, -(-len(found) // PAGE_SIZE))
        page = min(view.page, pages)
        first = (page - 1) * PAGE_SIZE
        rows = [self.rows[place] for place in found[first : first + PAGE_SIZE]]
        protocols = Counter(self._protocols[place] for place in found)
        return Page(rows, len(found), page, pages, protocols)

    def all(self, view: View) -> list[Row]:
        """Every row that a view asks for, in its order."""
        return [self.rows[place] for place in self._found(view)]

    def _found(self, view: View) -> Iterator[int]:
        words = view.q.lower().split(" ")
        chosen = [
            set[int]().union(*(self.places[name].get(value, set()) for value in wanted))
            for name, wanted in view.facets.items()
        ]
        allowed = set.intersection(*chosen) if chosen else None
        for place in self.order(view.sort):
            if allowed is None or place in allowed:
                text = self.texts[place]
                if all(word in text for word in words):
                    yield place

    def _order(self, sort: Sort) -> list[int]:
        cell = COLUMN_BY_NAME[sort.column].cell
        cells = [cell(row) for row in self.rows]
        known = [place for place, value in enumerate(cells) if value is not None]
        unknown = [place for place, value in enumerate(cells) if value is None]
        # A reversed sort keeps the order of equals, so ties go by key in both directions.
        known.sort(key=lambda place: _rank(cells[place]), reverse=sort.descending)
        return known + unknown


def _rank(cell: Cell) -> bytes | float:
    assert cell is not None
    return collated(cell.lower()) if isinstance(cell, str) else cell


def _places(rows: Sequence[Row], name: str) -> dict[str, set[int]]:
    facet = next(facet for facet in FACETS if facet.name == name)
    places: dict[str, set[int]] = defaultdict(set)
    for place, row in enumerate(rows):
        for value in values(facet, row):
            places[value].add(place)
    return dict(places)
