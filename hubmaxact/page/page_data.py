"""An index made ready to be shown: built once, then asked for one document after another.

Every answer is plain data for JSON, the same for equal indexes. Knows nothing of HTTP and files.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Literal, Self

from hubmaxact.catalog.row import Row
from hubmaxact.catalog.store import Index
from hubmaxact.page import about, downloads
from hubmaxact.page.checked_rows import sound_rows
from hubmaxact.page.facets import FACETS, values
from hubmaxact.page.findings import by_scope
from hubmaxact.page.query import Query
from hubmaxact.page.release import release, table_row
from hubmaxact.page.safe_text import collated
from hubmaxact.page.url_state import MAX_PICKS, View

SHARD = 50
"""Releases in one file of a static export."""

SHARD_DIGITS = 4

MOST_NAMED = 3
"""Protocols that are named beside a ranking; the facet has all of them."""

What = Literal["view", "all", "picked"]
Kind = Literal["csv", "parquet"]

MEDIA_TYPES: dict[Kind, str] = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}


class PageData:
    """The releases of one index, in the order of their keys. May be read by many threads."""

    def __init__(
        self, rows: Sequence[Row], index: Index, *, origin: str, built: str | None
    ) -> None:
        self.rows = rows
        self.index = index
        self.query = Query(rows)
        self._about = about.fixed(rows, index, origin, built)
        self._by_key = {row["key"]: row for row in rows}
        self._kept = {left["name"]: left["reason"] or "" for left in index.manifest["kept"]}

    @classmethod
    def of(cls, index: Index, *, origin: str, built: str | None) -> Self:
        """Make an index ready to be shown.

        Args:
            index: A catalog's table and manifest.
            origin: Where it lies.
            built: When it was made, in ISO 8601; None when unknown.

        Returns:
            The data of every view of it.

        Raises:
            DamagedTableError: Its table is not one that a page can rely on.
        """
        return cls(sound_rows(index.table()), index, origin=origin, built=built)

    def about(self, host: about.Host, problem: str | None = None) -> dict[str, Any]:
        """What the page must know first; `problem` says why a newer index is not shown."""
        index = {**self._about["index"], "problem": problem}
        return {
            "host": host,
            **self._about,
            "index": index,
            "downloads": about.downloads(host),
        }

    def page(self, view: View) -> dict[str, Any]:
        """One page of the table, as the view asks for it."""
        found = self.query.page(view)
        rows = [table_row(row, self._kept.get(row["key"])) for row in found.rows]
        return {
            "total": found.total,
            "page": found.page,
            "pages": found.pages,
            "protocols": _protocols(found.protocols),
            "rows": rows,
        }

    def releases(self, keys: Sequence[str]) -> dict[str, Any]:
        """The picked releases in full, in the order picked, and the keys that no row has."""
        picked = tuple(dict.fromkeys(keys))[:MAX_PICKS]
        return {
            "releases": [self._release(self._by_key[key]) for key in picked if key in self._by_key],
            "unknown": [key for key in picked if key not in self._by_key],
        }

    def findings(self) -> dict[str, Any]:
        """Every finding over every population."""
        return self._findings

    @cached_property
    def _findings(self) -> dict[str, Any]:
        return by_scope.findings(self.rows)

    def table(self) -> dict[str, Any]:
        """Every row with what a browser needs to filter and find it by itself."""
        return {
            "rows": [
                {
                    **table_row(row, self._kept.get(row["key"])),
                    "facets": {facet.name: values(facet, row) for facet in FACETS},
                    "search": self.query.texts[place],
                    "shard": _shard_name(place // SHARD),
                }
                for place, row in enumerate(self.rows)
            ]
        }

    def shards(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield every release in full, by file of a static export."""
        for first in range(0, len(self.rows), SHARD):
            rows = self.rows[first : first + SHARD]
            yield _shard_name(first // SHARD), {"releases": [self._release(row) for row in rows]}

    def download(self, what: What, kind: Kind, view: View = View()) -> bytes:  # noqa: B008 frozen
        """Rows as a file: all of them, those of the view in its order, or the picked ones."""
        if what == "all" and kind == "parquet":
            return self.index.content
        rows = self._chosen(what, view)
        return downloads.as_csv(rows) if kind == "csv" else downloads.as_parquet(rows)

    def _release(self, row: Row) -> dict[str, Any]:
        return release(row, self._kept.get(row["key"]))

    def _chosen(self, what: What, view: View) -> Sequence[Row]:
        if what == "view":
            return self.query.all(view)
        if what == "picked":
            return [self._by_key[key] for key in view.picks if key in self._by_key]
        return self.rows


def _protocols(counts: Counter[str]) -> dict[str, Any]:
    """How many protocols stand in a ranking, and the commonest; a browser says the same."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], collated(item[0])))
    commonest = [{"value": value, "count": count} for value, count in ordered[:MOST_NAMED]]
    return {"number": len(counts), "commonest": commonest}


def _shard_name(number: int) -> str:
    return f"{number:0{SHARD_DIGITS}}"
