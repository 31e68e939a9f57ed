"""The session that every call goes through: no endless wait, no token for strangers."""

import pytest
from huggingface_hub.utils import _http, httpx
from loopback_hub import LoopbackHub
from loopback_hub.desk import REPO

from hubmaxact.hub import retry, session

# Far longer than a push may take here: a client that waits for it is stopped before.
HANGS = {"delivery": "hang", "seconds": 90}
SHORT_TIMEOUT = {"extra": {"HUBMAXACT_HTTP_TIMEOUT": "2"}, "timeout": 60}


@pytest.mark.by_day("GET-/tree/*", "POST-*")
@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("GET", "/revision/", ()),
        ("GET", "/tree/", ()),
        ("GET", "/resolve/", ()),
        ("POST", "/preupload/", ()),
        ("GET", "/discussions", ("--pr",)),
    ],
)
def test_no_call_of_a_push_waits_for_ever(desk, method, path, options):
    desk.hub.faults.add(method, path, **HANGS)
    done = desk.push(*options, **SHORT_TIMEOUT)
    assert done.code == 0, done.stderr


@pytest.fixture
def other():
    with LoopbackHub() as running:
        yield running


def next_page(url):
    return {"headers": {"Link": f'<{url}>; rel="next"'}}


def test_the_token_does_not_follow_a_listing_to_another_host(desk, other):
    desk.hub.faults.add("GET", "/tree/", **next_page(f"{other.url}/api/models/{REPO}/tree/main"))
    other.create_repo(REPO, files={"elsewhere.txt": b""})
    assert desk.push().code == 0
    assert [each.authorization for each in other.requests] == [None]


def test_the_token_goes_to_its_own_host_page_after_page(desk):
    desk.repo.private = True
    again = f"{desk.hub.url}/api/models/{REPO}/tree/main"
    desk.hub.faults.add("GET", "/tree/", **next_page(again))
    assert desk.push().code == 0
    assert len(desk.hub.asked("GET", "/tree/")) == 2


def test_a_ci_job_shows_its_own_token_to_its_own_provider(desk):
    desk.hub.trusted_publishers.add(REPO)
    job = {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": desk.hub.ci_identity_url.replace("127.0.0.1", "localhost"),
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": desk.hub.ci_request_token,
        "HF_OIDC_RESOURCE": REPO,
        "NO_PROXY": "127.0.0.1,localhost",
    }
    done = desk.push(token="", extra=job)
    assert done.code == 0, done.stderr


def test_a_listing_without_end_is_given_up(desk):
    again = f"{desk.hub.url}/api/models/{REPO}/tree/main"
    desk.hub.faults.add("GET", "/tree/", times=10**9, **next_page(again))
    done = desk.push()
    assert done.code == 2
    assert "goes on after 1,000 pages and was given up" in done.stderr


@pytest.mark.nightly
def test_a_repository_of_countless_files_is_given_up(desk):
    page = b",".join([b'{"type": "file", "path": "a", "size": 1, "oid": "a"}'] * 20_000)
    again = next_page(f"{desk.hub.url}/api/models/{REPO}/tree/main")
    desk.hub.faults.add("GET", "/tree/", status=200, body=b"[%b]" % page, times=10**9, **again)
    done = desk.push()
    assert done.code == 2
    assert "lists more than 100,000 files in alice/model" in done.stderr
    assert len(desk.hub.asked("GET", "/tree/")) < 10


def test_every_answer_that_the_library_would_sleep_over_is_ours_to_handle():
    assert set(_http._DEFAULT_RETRY_ON_STATUS_CODES) <= session.SLEPT_OVER
    assert set(_http._DEFAULT_RETRY_ON_EXCEPTIONS) <= set(session.ASKED_AGAIN)


def test_a_long_silence_is_told(monkeypatch, caplog):
    monkeypatch.setattr(retry, "SILENCE_SECONDS", 0)
    monkeypatch.setenv("HUBMAXACT_BACKOFF_SECONDS", "0.001")
    answers = iter([httpx.ReadTimeout("late"), None])

    def call():
        if error := next(answers):
            raise error

    retry.ask(call, repo_id="a/b")
    assert caplog.messages == ["The Hub gave no answer for 0 seconds; asking again."]
