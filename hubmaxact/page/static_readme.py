"""The README of an export, which also tells the Hub that the folder is a static Space."""

from typing import Any

from hubmaxact.page.safe_text import shown
from hubmaxact.printable import counted

TEMPLATE = """\
---
title: Activation maxima of open models
sdk: static
app_file: index.html
pinned: false
---

# Activation maxima of open models

Which releases are easy or hard to run in low precision, and why: a page over {rows},
{measured} measured and {paper} reported by arXiv:2605.15572.

Made by `hubmaxact catalog export`, version {version}, from the index with the sha256
`{sha256}`{built}. It needs a web server, any will do: `python -m http.server` in this folder.
The data: `download/all.csv` and `download/all.parquet`.

Do not edit these files: the next export replaces what the last one made, leaves what git keeps
beside it, and refuses a folder in which anything else lies.
"""


def readme(index: dict[str, Any], version: str) -> bytes:
    """Return the file for what a page's `about` says of its index."""
    built = f", made at {shown(index['built'])}" if index["built"] else ""
    counts = {name: f"{index[name]:,}" for name in ("measured", "paper")}
    counts["rows"] = counted(index["rows"], "release")
    text = TEMPLATE.format(version=version, sha256=index["sha256"], built=built, **counts)
    return text.encode("utf-8")
