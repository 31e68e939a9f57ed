"""What tells two runs apart, in the words of whoever started them, the most telling first."""

from collections.abc import Iterator
from itertools import zip_longest
from re import compile as pattern
from typing import Any, NamedTuple

from hubmaxact.printable import LONGEST, counted, printable, shown

SHARE = "share"
MOST_TOLD = 4
DIGEST = pattern(r"(sha256:)?[0-9a-f]{40,64}")
DIGEST_TOLD = 15  # characters
NO_VALUE = object()


class Named(NamedTuple):
    """What has a name of its own.

    Attributes:
        path: Where it stands in a run, dotted.
        words: What is said of it.
        fields: What of it is told, if it has fields; of a list, that of its first other element.
    """

    path: str
    words: str
    fields: tuple[str, ...] = ()


NAMED = (
    Named("model.id", "the model differs"),
    Named("model.commit", "the commit differs"),
    Named("model.model_type", "the model's type differs"),
    Named("model.num_parameters", "the number of parameters differs"),
    Named("model.weight_files", "the weight files differ", ("path", "size", "sha256")),
    Named("model.adapter_base", "the adapter's base differs", ("id", "commit")),
    Named("fingerprint", "the weights, the configuration or the tokenizer differ"),
    Named(SHARE, "the share differs"),
    Named("protocol.corpus", "the corpus differs", ("name", "digest", "num_samples")),
    Named("protocol.profile", "the profile differs"),
    Named("protocol.dtype", "the dtype differs"),
    Named("protocol.max_seq_len", "the length that texts are cut to differs"),
    Named("protocol.batch_tokens", "the tokens of a batch differ"),
    Named("protocol.batch_plan_digest", "the plan of batches differs"),
    Named("plan", "the plan of batches differs", ("digest",)),
    Named("environment.hubmaxact", "the version of hubmaxact differs"),
    Named("environment.torch", "the version of torch differs"),
    Named("environment.transformers", "the version of transformers differs"),
    Named("environment.device_type", "the device differs"),
    Named("environment.device_name", "the device differs"),
)
BY_PATH = {named.path: (place, named) for place, named in enumerate(NAMED)}


def differences(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """Hold two runs against each other.

    Args:
        there: One, as JSON: that of a kept state.
        here: The other.

    Returns:
        A clause for each difference, the most telling first; none where they are the same run.
    """
    found = sorted(_differing("", there, here), key=lambda each: each[0])
    return list(dict.fromkeys(said for _, said in found))


def told(found: list[str]) -> str:
    """Return differences as one part of a sentence.

    Args:
        found: Any, the most telling first.

    Returns:
        The first of them, and how many more there are.
    """
    more = len(found) - MOST_TOLD
    others = [f"and {counted(more, 'other difference')}"] if more > 0 else []
    return "; ".join([*found[:MOST_TOLD], *others])


def _differing(path: str, there: Any, here: Any) -> Iterator[tuple[int, str]]:
    """Each difference: how telling, and in words."""
    if _are_same(there, here):
        return
    place, named = BY_PATH.get(path, (len(NAMED), Named(path, f"{printable(path)} differs")))
    if path not in BY_PATH and isinstance(there, dict) and isinstance(here, dict):
        for key in {**there, **here}:
            below = f"{path}.{key}" if path else key
            yield from _differing(below, there.get(key, NO_VALUE), here.get(key, NO_VALUE))
        return
    if isinstance(there, list) and isinstance(here, list):
        there, here = _first_others(there, here)
    if isinstance(there, dict) and isinstance(here, dict):
        there, here = (_of_fields(value, named.fields) for value in (there, here))
    yield place, f"{named.words}: {_said(there)} there, {_said(here)} here"


def _are_same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same, 1, 1.0 and true told apart."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_are_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_are_same, one, other))
    return type(one) is type(other) and one == other


def _first_others(there: list[Any], here: list[Any]) -> tuple[Any, Any]:
    """The first elements that differ."""
    pairs = zip_longest(there, here, fillvalue=NO_VALUE)
    return next((one, other) for one, other in pairs if not _are_same(one, other))


def _of_fields(value: dict[str, Any], fields: tuple[str, ...]) -> Any:
    parts = [_said(value[field]) for field in fields if field in value]
    return Text(" ".join(parts)) if parts else value


class Text(str):
    """What is told already."""

    __slots__ = ()


def _said(value: Any) -> str:
    if isinstance(value, Text):
        return str(value)
    if value is NO_VALUE:
        return "nothing"
    if value is None:
        return "none"
    if isinstance(value, str):
        digest = DIGEST.fullmatch(value)
        return f"{value[:DIGEST_TOLD]}..." if digest else printable(value, LONGEST)
    return shown(value)
