"""The protocol of a row as one key: rows of equal keys were measured comparably.

Which fields decide is `hubmaxact compare`'s to say; an unknown field equals no known one.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import reduce
from typing import Any

from hubmaxact.compare.protocol import FIELDS

KEY_DIGITS = 16


def protocol_key(protocol: Mapping[str, Any]) -> str:
    """Return the key of a report's `protocol` block."""
    decisive = {field.name: _field(protocol, field.name) for field in FIELDS if field.decisive}
    text = json.dumps(decisive, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_DIGITS]


def _field(protocol: Mapping[str, Any], name: str) -> Any:
    return reduce(lambda node, step: node[step], name.split("."), dict(protocol))
