"""The changelog's words on one version: `python .ci/release_notes.py vX.Y.Z`."""

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"


def notes(changelog: str, tag: str) -> str:
    """Return what stands under a version's heading, with a line end.

    Args:
        changelog: A file in the format of Keep a Changelog.
        tag: A version with a "v" before it.

    Raises:
        SystemExit: the version has no heading, or nothing under it.
    """
    for section in re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]:
        heading, _, text = section.partition("\n")
        if heading.split(" ")[0].strip("[]") == tag.removeprefix("v") and text.strip():
            return f"{text.strip()}\n"
    sys.exit(f"CHANGELOG.md says nothing under a heading of {tag.removeprefix('v')}.")


if __name__ == "__main__":
    sys.stdout.write(notes(CHANGELOG.read_text("utf-8"), sys.argv[1]))
