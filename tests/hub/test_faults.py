"""Turning failures into kinds and strangers' words into one safe line."""

import pytest
from huggingface_hub.errors import (
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
)
from huggingface_hub.utils import httpx

from hubmaxact.hub.asked_wait import asked_wait
from hubmaxact.hub.faults import Fault, Kind, cause, classify
from hubmaxact.hub.safe_words import MAX_DETAIL, clean

WORDS = [
    ("a\nb\t c\x00d", "a b c d"),
    ("\x1b[31mred\x9b", "[31mred"),
    ("a\u202eb\u2066c\u2028d\u200be", "a b c d e"),
    ("see hf_abcdefghijk and hf_x", "see [token] and hf_x"),
    ("x" * 1000, "x" * MAX_DETAIL + "..."),
    ("modèle 模型", "modèle 模型"),
]


@pytest.mark.parametrize(("said", "shown"), WORDS)
def test_words_of_the_server_become_one_safe_line(said, shown):
    assert clean(said) == shown


def test_the_token_in_use_is_taken_out_whatever_it_looks_like(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "not-like-a-token")
    assert clean("Bearer not-like-a-token!") == "Bearer [token]!"


LATER = "Wed, 21 Oct 2026 07:28:00 GMT"  # gone by
WAITS = [
    ({"RateLimit": '"api";r=0;t=12'}, 12),
    ({"RateLimit": '"api";r=499;t=120'}, None),
    ({"RateLimit": "nonsense"}, None),
    ({"RateLimit": '"api";t=12;r=0'}, 12),
    ({"RateLimit": '"api"; r=0; t=12, "resolvers"; r=0; t=40, "pages"; r=9; t=90'}, 40),
    ({"RateLimit": '"api";r=0;t=12', "Retry-After": "7"}, 12),
    ({"RateLimit": '"api";r=10;t=120'}, None),
    ({"Retry-After": "7"}, 7),
    ({"Retry-After": "1.2"}, 2),
    ({"Retry-After": LATER, "Date": "Wed, 21 Oct 2026 07:27:30 GMT"}, 30),
    ({"Retry-After": LATER, "Date": "Wed, 21 Oct 2026 07:29:00 GMT"}, 0),
    ({"Retry-After": LATER, "Date": "soon"}, 0),
    ({"Retry-After": "Wed, 21 Oct"}, None),
    ({"Retry-After": "-1"}, None),
    ({"Retry-After": "99999999999"}, 99999999999),
    ({"Retry-After": "9" * 99}, None),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "seconds"), WAITS)
def test_an_exhausted_limit_or_a_word_about_retrying_asks_for_a_wait(headers, seconds):
    assert asked_wait(headers) == seconds


def test_a_wait_that_was_not_enough_is_not_advised():
    sentence = Fault(Kind.RATE_LIMITED, "", wait=0).sentence(repo="a/b", revision="main", url="")
    assert "Try again in a few hundred seconds." in sentence


ERRORS = [
    (TimeoutError(), Kind.UNCERTAIN),
    (ConnectionResetError(), Kind.UNCERTAIN),
    (KeyError("commitUrl"), Kind.UNCERTAIN),
    (ValueError("no JSON"), Kind.UNCERTAIN),
    (OSError(28, "No space left on device"), Kind.DISK),
    (OSError(5, "Input/output error"), Kind.DISK),
    (NotADirectoryError(20, "Not a directory", "/cache/models--a--b"), Kind.DISK),
    (FileExistsError(17, "File exists", "/cache"), Kind.DISK),
]


@pytest.mark.parametrize(("error", "kind"), ERRORS, ids=[type(row[0]).__name__ for row in ERRORS])
def test_errors_without_an_answer_have_a_kind(error, kind):
    assert classify(error).kind is kind


def told(fault):
    return fault.sentence(repo="a/b", revision="main", url="https://hub/a/b")


def test_a_cache_that_is_no_folder_is_named():
    fault = classify(NotADirectoryError(20, "Not a directory", "/cache\x1b/x"))
    assert "Not a directory (/cache\\u001b/x). Free some space, or set HF_HUB_CACHE" in told(fault)


def test_a_wait_of_years_is_told_in_days():
    for wait, words in ((7, "7 seconds"), (900, "900 seconds"), (9999, "3 hours"),
                        (10 * 365 * 86_400, "3,650 days")):  # fmt: skip
        assert f"Try again in {words}." in told(Fault(Kind.RATE_LIMITED, "", wait)), wait


def test_words_of_the_server_end_before_ours_begin():
    request = httpx.Request("GET", "https://hub/a/b")
    for status, said, words in (
        (500, "scripted", "status 500. scripted. Try again later."),
        (500, "Really?", "status 500. Really? Try again later."),
        (500, "", "status 500. Try again later."),
        (403, "no", "with read access to it. no."),
        (422, "odd", "(422): odd. Look at"),
    ):
        answer = httpx.Response(status, request=request)
        error = HfHubHTTPError("", response=answer, server_message=said or None)
        assert words in told(classify(error)), said


def after(first):
    """What the client raises when its cache has nothing instead."""
    error = LocalEntryNotFoundError("nor in the cache")
    error.__cause__ = first
    return error


def test_a_cache_that_could_not_help_does_not_hide_why_it_was_asked(monkeypatch):
    assert classify(after(OfflineModeIsEnabled())).kind is Kind.OFFLINE
    assert classify(after(OSError(28, "No space left on device"))).kind is Kind.DISK
    assert classify(after(None)).kind is Kind.UNCERTAIN
    monkeypatch.setenv("HF_TOKEN", "not-like-a-token")
    assert cause(after(ValueError("Bearer not-like-a-token!"))) is None
    first = ValueError("garbage")
    assert cause(after(first)) is first
