"""What the Hub makes of a README: its metadata, its tags, and whether it accepts the YAML."""

import re

import yaml

FRONT_MATTER = re.compile(r"^\ufeff?\s*---\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|$)", re.DOTALL)
ARXIV = re.compile(r"arxiv\.org/(?:abs|pdf)/(\d{4}\.\d{4,5})")
NO_METADATA = "empty or missing yaml metadata in repo card"


def problems(content: str) -> list[str]:
    """Why the Hub would refuse this README; empty when it accepts it."""
    match = FRONT_MATTER.match(content)
    if match is None:
        return []
    try:
        metadata = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError) as error:
        return [f"YAML: {' '.join(str(error).split())}"]
    if metadata is None:
        return []
    if not isinstance(metadata, dict):
        return ["Metadata must be an object"]
    tags = metadata.get("tags")
    if tags is not None and not (
        isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)
    ):
        return ['"tags" must be an array of strings']
    return []


def has_metadata(content: str) -> bool:
    return FRONT_MATTER.match(content) is not None


def metadata(readme: bytes | None) -> dict:
    content = (readme or b"").decode(errors="replace")
    match = FRONT_MATTER.match(content)
    if match is None or problems(content):
        return {}
    return yaml.safe_load(match[1]) or {}


def tags(readme: bytes | None) -> list[str]:
    """The tags a repository can be found by."""
    card = metadata(readme)
    found = list(card.get("tags") or [])
    found += [f"license:{card['license']}"] if card.get("license") else []
    languages = card.get("language") or []
    found += [languages] if isinstance(languages, str) else [str(each) for each in languages]
    found += [f"arxiv:{each}" for each in ARXIV.findall((readme or b"").decode(errors="replace"))]
    return list(dict.fromkeys(found))
