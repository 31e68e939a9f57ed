"""The same data for programs, as endpoints that `gradio_client` can call.

Anybody can call them with anything, so each checks its own arguments. Responses come as they are
sent to the page.
"""

from collections.abc import Callable
from typing import Any

import gradio
from live_index import LiveIndex
from responses import Responses

from hubmaxact.page.url_state import LONGEST_KEY, MAX_PICKS, parse

LONGEST_QUERY = 8192


def endpoints(live: LiveIndex) -> list[Callable[..., dict[str, Any]]]:
    """Return the endpoints, each under its own name."""

    def releases(query_string: str) -> dict[str, Any]:
        """One page of releases, for the query string of a page's address ("family=qwen3&page=2").

        Words, facets, sorting and paging are as on the page; 25 releases, and how many there are.
        """
        if not _is_text(query_string, 0, LONGEST_QUERY):
            raise _refused(f"query_string must be text of at most {LONGEST_QUERY:,} characters.")
        return _responses(live).page_data.page(parse(query_string))

    def compare(keys: list[str]) -> dict[str, Any]:
        """Releases in full, by the `key` that `releases` gives, and the keys that are unknown."""
        if not _is_list(keys, 1, MAX_PICKS):
            raise _refused(f"keys must be a list of 1 to {MAX_PICKS} keys.")
        if not all(_is_text(key, 1, LONGEST_KEY) for key in keys):
            raise _refused(f"each key must be text of 1 to {LONGEST_KEY} characters.")
        return _responses(live).page_data.releases(keys)

    def findings() -> dict[str, Any]:
        """What the releases say together: sentences, answers, tables, and what each rests on."""
        return _responses(live).page_data.findings()

    return [releases, compare, findings]


def examples(live: LiveIndex) -> Callable[[], dict[str, dict[str, object]]]:
    """Return what gives arguments that work now, for the documentation."""

    def arguments() -> dict[str, dict[str, object]]:
        rows = live.responses.page_data.rows if live.responses else []
        keys = [row["key"] for row in rows[:2]]
        return {"releases": {"query_string": "sort=-abs_max"}, "compare": {"keys": keys}}

    return arguments


def _is_text(given: object, shortest: int, longest: int) -> bool:
    return isinstance(given, str) and shortest <= len(given) <= longest


def _is_list(given: object, fewest: int, most: int) -> bool:
    return isinstance(given, list) and fewest <= len(given) <= most


def _responses(live: LiveIndex) -> Responses:
    if live.responses is None:
        raise _refused(live.problem or "There is no index.")
    return live.responses


def _refused(sentence: str) -> gradio.Error:
    return gradio.Error(sentence, print_exception=False)
