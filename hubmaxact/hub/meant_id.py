"""The id that people mean where they write it otherwise: as a URL, or with the revision in it.

Takes names apart and asks nobody.
"""

import re
from urllib.parse import unquote

from hubmaxact.hub.safe_words import clean
from hubmaxact.printable import LONGEST_PATH

MEANT = re.compile(
    r"\s*(?:https?://[^/\s]+/|(?:www\.)?(?:huggingface\.co|hf\.co)/|hf:/*)?(?:models/)?"
    r"(?P<repo>(?!datasets/|spaces/)[\w.-]+/[\w.-]+?)(?:\.git)?"
    r"(?:@(?P<named>[^@\s]+)|/(?:tree|blob|resolve|raw|commit)/(?P<shown>[^/\s]+).*)?/?\s*",
    re.ASCII,
)
USUAL = "owner/name"


def meant(name: str) -> str:
    """Return how an id should be written.

    Args:
        name: What was given for one.

    Returns:
        The model's id and the revision that the name holds; else the form that ids have.
    """
    match = MEANT.fullmatch(name[:LONGEST_PATH])
    if match is None or match["repo"] == name:
        return USUAL
    revision = match["named"] or match["shown"]
    return match["repo"] + (f", and {clean(unquote(revision))} as its revision" if revision else "")
