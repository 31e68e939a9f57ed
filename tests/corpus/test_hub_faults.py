"""A corpus on a Hub that stumbles, refuses or lies: waited for, or told in one sentence."""

import re

import pytest
from loopback_hub import LoopbackHub

LINES = "hf://datasets/someone/lines"
FILE = "data/train.jsonl"
TEXTS = [["one", "a"], ["two", "unspecified"]]


@pytest.mark.by_day("paper")
@pytest.mark.parametrize("spec", ["paper", LINES])
def test_a_rate_limit_is_waited_for_at_the_first_question(client, hub, spec):
    used_up = {"RateLimit": '"api";r=0;t=1'}
    hub.faults.add("GET", "/api/datasets/", status=429, headers=used_up)
    done = client(spec)
    assert "texts" in done.answers[0]
    assert done.stderr == "The Hub's rate limit is used up; waiting 2 seconds.\n"


@pytest.mark.nightly
def test_a_wait_that_nobody_would_sit_through_is_told(ask, hub):
    used_up = {"RateLimit": '"api";r=0;t=900'}
    hub.faults.add("GET", "/api/datasets/", status=429, headers=used_up)
    assert ask(LINES) == [
        {
            "error": "NoAnswerError: the Hub's rate limit is used up (429). Try again in 900 "
            "seconds.",
            "code": 2,
        }
    ]


@pytest.mark.by_day("503-GET-/tree/", "reset-GET-/resolve/")
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/revision/"), ("GET", "/tree/"), ("HEAD", "/resolve/"), ("GET", "/resolve/")],
)
@pytest.mark.parametrize("how", [{"status": 503}, {"delivery": "reset"}], ids=["503", "reset"])
def test_a_stumbling_hub_is_asked_again(ask, hub, method, path, how):
    hub.faults.add(method, path, **how)
    (answer,) = ask(LINES)
    assert answer.get("texts") == TEXTS, answer
    assert len(hub.asked(method, path)) >= 2


def test_a_hub_that_is_down_is_given_up_and_named(ask, hub):
    hub.faults.add("GET", "/api/datasets/", status=500, times=99)
    (answer,) = ask(LINES)
    place = f"{hub.url}/datasets/someone/lines"
    assert answer["error"].startswith(
        f"NoAnswerError: the Hub at {place} gives no usable answer: status 500."
    )
    assert len(hub.asked("GET", "/api/datasets/")) == 4


def test_a_private_data_set_is_hidden_but_from_its_owner(ask, hub):
    hub.repos["dataset", "someone/lines"].private = True
    stranger, owner = hub.accounts.issue("bob"), hub.accounts.issue("someone")
    (nobody,), (hidden,), (shown,) = (ask(LINES, token=who) for who in ("", stranger, owner))
    assert nobody["error"] == (
        "HubError: the data set someone/lines is not on the Hub, or not for everybody to see "
        "(401), and no token was found. Check the name; else run `hf auth login` or set HF_TOKEN."
    )
    assert hidden["error"].startswith(
        "HubError: the data set someone/lines is not on the Hub, or this token may not see it "
        "(404). Check the name and the token"
    )
    assert shown["texts"] == TEXTS


def test_a_gated_data_set_names_its_page(ask, hub):
    hub.repos["dataset", "someone/lines"].gated = "manual"
    (answer,) = ask(LINES, token=hub.accounts.issue("bob"))
    page = f"{hub.url}/datasets/someone/lines"
    assert answer["error"].startswith(
        f"HubError: the data set someone/lines is gated. Accept its terms at {page} with"
    )


@pytest.mark.by_day("GET-/resolve/")
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/revision/"), ("HEAD", "/resolve/"), ("GET", "/resolve/")]
)
def test_a_refusal_is_told_as_one_to_read(ask, hub, method, path):
    hub.faults.add(method, path, status=403, times=99)
    (answer,) = ask(LINES, token=hub.token)
    assert answer["error"].startswith(
        "HubError: the token may not read the data set someone/lines (403). Use one with read"
    )
    assert len(hub.asked(method, path)) == 1


@pytest.mark.nightly
def test_words_of_the_server_are_cleaned(ask, hub):
    words = f'{{"error": "\\u001b[31mno\\u202e {hub.token}\\n\\nTraceback"}}'
    hub.faults.add("GET", "/api/datasets/", status=418, body=words.encode())
    (answer,) = ask(LINES, token=hub.token)
    assert answer["error"] == (
        "HubError: the Hub refused the request for the data set someone/lines (418): "
        f"[31mno [token] Traceback. Look at {hub.url}/datasets/someone/lines, and for a newer "
        "hubmaxact."
    )


def test_names_of_files_are_cleaned_and_stay_inside(ask, hub):
    hub.create_repo(
        "someone/odd", repo_type="dataset", files={"a\x1b[2J.jsonl": b"", "b\n\u202e.jsonl": b""}
    )
    outside = b'[{"type": "file", "path": "x/../../y.jsonl", "size": 1, "oid": "a"}]'
    hub.faults.add("GET", "someone/lines/tree/", status=200, body=outside)
    hub.create_repo("someone/one", repo_type="dataset", files={"c\x1b[2J.jsonl": b"{}\n"})
    odd, outside, one = ask("hf://datasets/someone/odd", LINES, "hf://datasets/someone/one")
    assert one["error"].startswith("CorpusError: c [2J.jsonl line 1: no")
    assert "files (a [2J.jsonl, b .jsonl); name one" in odd["error"]
    assert outside["error"].startswith("HubError: 'x/../../y.jsonl' is not the path of a file.")


@pytest.fixture
def other(contents):
    with LoopbackHub() as running:
        running.create_repo(
            "someone/lines", repo_type="dataset", files=contents["dataset", "someone/lines"]
        )
        yield running


def test_the_token_does_not_follow_a_listing_to_another_host(ask, hub, other):
    elsewhere = f"{other.url}/api/datasets/someone/lines/tree/main?recursive=true"
    hub.faults.add("GET", "/tree/", headers={"Link": f'<{elsewhere}>; rel="next"'})
    (answer,) = ask(LINES, token=hub.token)
    assert answer.get("texts") == TEXTS, answer
    assert [each.authorization for each in other.requests] == [None]


def test_the_token_does_not_follow_a_file_to_where_it_is_stored(ask, hub, other, head):
    """As the Hub sends who asks for a large file to its storage."""
    place = f"{other.url}/datasets/someone/lines/resolve/main/{FILE}"
    content = other.repos["dataset", "someone/lines"].read(FILE)
    hub.faults.add(
        "HEAD",
        "/resolve/",
        status=302,
        times=2,
        headers={
            "Location": place,
            "X-Repo-Commit": head("someone/lines"),
            "X-Linked-Etag": '"stored"',
            "X-Linked-Size": str(len(content)),
        },
    )
    (answer,) = ask(LINES, token=hub.token)
    assert answer.get("texts") == TEXTS, answer
    assert [each.authorization for each in other.requests] == [None]
    assert hub.asked("GET", "/resolve/") == []
    assert all(re.match("Bearer ", each.authorization) for each in hub.requests)
