"""What one index has to say, as bytes ready to be sent; the latest are remembered.

An index never changes, so nothing here goes stale: a new index gets new responses. Knows nothing of
routes and headers.
"""

import gzip
import hashlib
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from hubmaxact import __version__
from hubmaxact.page.json_bytes import encoded
from hubmaxact.page.page_data import MEDIA_TYPES, Kind, PageData, What
from hubmaxact.page.url_state import View, parse, query_string

JSON = "application/json"
UNPACKED = ("image/png", MEDIA_TYPES["parquet"])  # compressed already
WORTH_PACKING = 500  # bytes
LEVEL = 5
MOST_PROBLEMS = 4
MOST_PAGES = 256
MOST_COMPARISONS = 64
MOST_FILES = 4


@dataclass(frozen=True)
class Body:
    """Bytes of a kind, as they are and, where that helps, packed with gzip."""

    content: bytes
    media_type: str
    tag: str = field(init=False)

    def __post_init__(self) -> None:
        """Name the content by its digest."""
        object.__setattr__(self, "tag", hashlib.sha256(self.content).hexdigest()[:32])

    @cached_property
    def packed(self) -> bytes | None:
        """The content through gzip; None if that is not worth it."""
        if self.media_type in UNPACKED or len(self.content) < WORTH_PACKING:
            return None
        return gzip.compress(self.content, LEVEL, mtime=0)


class Responses:
    """Everything that can be asked of one index."""

    def __init__(self, page_data: PageData) -> None:
        self.page_data = page_data
        digest = hashlib.sha256(page_data.index.content).hexdigest()
        self.tag = f"{digest[:32]}-{__version__}"
        """Names every response that follows from the index alone."""
        self._abouts = lru_cache(MOST_PROBLEMS)(self._about)
        self._pages = lru_cache(MOST_PAGES)(self._page)
        self._comparisons = lru_cache(MOST_COMPARISONS)(self._comparison)
        self._files = lru_cache(MOST_FILES)(self._file)

    def about(self, problem: str | None) -> Body:
        """What the page must know first."""
        return self._abouts(problem)

    def page(self, view: View) -> Body:
        """One page of the table; what else a view holds makes no difference to it."""
        plain = View(q=view.q, facets=view.facets, sort=view.sort, page=view.page)
        return self._pages(query_string(plain))

    def releases(self, view: View) -> Body:
        """The picked releases in full."""
        return self._comparisons(view.picks)

    @cached_property
    def findings(self) -> Body:
        """Every finding."""
        return Body(encoded(self.page_data.findings()), JSON)

    def file(self, what: What, kind: Kind, view: View) -> Body:
        """Rows as a file to take away."""
        return self._files(what, kind, "" if what == "all" else query_string(view))

    def _about(self, problem: str | None) -> Body:
        return Body(encoded(self.page_data.about("server", problem)), JSON)

    def _page(self, query: str) -> Body:
        return Body(encoded(self.page_data.page(parse(query))), JSON)

    def _comparison(self, keys: tuple[str, ...]) -> Body:
        return Body(encoded(self.page_data.releases(keys)), JSON)

    def _file(self, what: What, kind: Kind, query: str) -> Body:
        return Body(self.page_data.download(what, kind, parse(query)), MEDIA_TYPES[kind])
