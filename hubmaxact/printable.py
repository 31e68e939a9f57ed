"""Text made fit for one line of a terminal or a log: strangers' made safe, counts with a noun."""

import re
import unicodedata

LONGEST = 80
"""Characters of a stranger's text that a message repeats."""

LONGEST_PATH = 400
"""Characters of a file's path that a message repeats: enough to find it by."""

HARMLESS_SPACE = " "

SECRET = re.compile(r"(?<=//)[^/?#]*@")
"""What stands before the host of a URL: a name and a password, or a token."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """A count with its noun in the right number: 1 text, 1,000 texts, 2 batches."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def printable(text: str, longest: int = LONGEST) -> str:
    """Escape what a terminal would act on or hide, and cut at `longest` characters."""
    head = "".join(map(_shown, text[:longest]))
    return head if len(text) <= longest else f"{head}... ({counted(len(text), 'character')})"


def without_secret(name: str) -> str:
    """What a user named, without the password that stands in it if it is a URL."""
    return SECRET.sub("...@", name)


def _shown(character: str) -> str:
    # C*: controls, bidi and other format characters, surrogates; Z*: separators that break lines.
    if character == HARMLESS_SPACE or unicodedata.category(character)[0] not in "CZ":
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def shown(value: object) -> str:
    """A JSON value in a few words: short values as they are, long ones by kind and size."""
    if isinstance(value, str):
        return f'"{printable(value, 40)}"'
    if isinstance(value, dict):
        return f"an object of {counted(len(value), 'field')}"
    if isinstance(value, list):
        return f"an array of {counted(len(value), 'item')}"
    constants: dict[object, str] = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return constants[value]
    return printable(repr(value), 40)
