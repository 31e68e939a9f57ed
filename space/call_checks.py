"""Whether a call can be answered at all, asked before Gradio takes it, which would log a bug later.

What an argument should be is the endpoints' own business.
"""

import re
from collections.abc import Mapping
from typing import Any

SESSION = re.compile(r"[\w-]{1,64}", re.ASCII)
SURROGATE = re.compile(r"[\ud800-\udfff]")


def refusal(call: Any, functions: Mapping[int, Any]) -> str | None:
    """Why a call is not taken, in one sentence; None if it is.

    Args:
        call: Gradio's `PredictBody`, as a stranger sent it.
        functions: What can be called, by the index that a call names.

    Returns:
        The sentence for the caller.
    """
    function = functions.get(call.fn_index)
    if function is None:
        return "There is no such endpoint."
    if call.session_hash is not None and not SESSION.fullmatch(call.session_hash):
        return "session_hash must be 1 to 64 letters, digits, _ or -."
    if len(call.data) != len(function.inputs):
        return f"/{function.api_name} takes {len(function.inputs)} in data, not {len(call.data)}."
    if not _is_plain(call.data):
        return "Arguments are neither files nor text with lone surrogates."
    return None


def _is_plain(data: object) -> bool:
    """Whether there is nothing in it that means a file, and no text that is not UTF-8."""
    rest = [data]
    while rest:
        match rest.pop():
            case {"meta": _}:
                return False
            case dict() as members:
                rest.extend(members.values())
            case list() as items:
                rest.extend(items)
            case str() as text if SURROGATE.search(text):
                return False
    return True
