"""`hubmaxact push --format json`: the result for a program, on stdout and nothing else there."""

import json

import pytest
from loopback_hub.desk import REPO

KEYS = ["push_version", "dry_run", "changed", "commit_url", "pr_url", "pr_num"]


@pytest.fixture
def push(desk):
    def run(*options, **how):
        done = desk.push("--format", "json", *options, **how)
        assert done.code == 0, done.said
        document = json.loads(done.stdout)
        assert list(document) == KEYS
        assert document["push_version"] == "0.1"
        return document, done.stderr

    return run


@pytest.mark.nightly
def test_a_commit_and_the_same_again(desk, push):
    first, _ = push()
    url = f"{desk.hub.url}/{REPO}/commit/{desk.repo.resolve('main').sha}"
    assert [first[key] for key in KEYS[1:]] == [False, True, url, None, None]
    second, said = push()
    assert second == first | {"changed": False}
    assert "already up to date" in said


@pytest.mark.nightly
def test_a_pull_request_and_the_same_again(desk, push):
    first, _ = push("--pr")
    assert first["commit_url"].endswith(desk.repo.resolve("refs/pr/1").sha)
    assert (first["pr_url"], first["pr_num"]) == (f"{desk.hub.url}/{REPO}/discussions/1", 1)
    assert push("--pr")[0] == first | {"changed": False}


def test_a_dry_run_says_what_a_push_would_do_and_shows_the_diff_aside(desk, push):
    would, said = push("--dry-run", "--pr")
    assert [would[key] for key in KEYS[1:]] == [True, True, None, None, None]
    assert "+## Activation maxima" in said
    push("--pr")
    would, _ = push("--dry-run", "--pr")
    assert [would[key] for key in KEYS[1:]][:3] == [True, False, None]
    assert would["pr_num"] == 1


def test_what_is_shown_aside_cannot_steer_a_terminal(desk, push):
    desk.repo.commit({"README.md": b"# A model\n\x1b[31m\n"})
    _, said = push("--dry-run")
    assert "?[31m" in said
    assert "\x1b" not in said


def test_a_refusal_prints_no_json(desk):
    desk.repo.commit({"model-00001-of-00002.safetensors": b"other"})
    done = desk.push("--format", "json")
    assert (done.code, done.stdout) == (2, "")


IDENTITY_TROUBLE = [
    ({"status": 503}, 0, ""),
    ({"status": 403}, 2, "no token for alice/model was given for this job's identity (403"),
    ({"status": 429, "headers": {"Retry-After": "9999"}}, 2, "rate limit"),
]


@pytest.mark.by_day("fault0*")
@pytest.mark.parametrize(("fault", "code", "said"), IDENTITY_TROUBLE)
def test_an_exchange_that_fails_is_tried_again_or_explained(desk, machine, fault, code, said):
    desk.hub.faults.add("POST", "/oauth/token", **fault, times=1 if code == 0 else 9)
    job = machine.variables() | {"HF_OIDC_RESOURCE": REPO}
    done = desk.push("--pr", token="", extra=job)
    assert done.code == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.nightly
def test_a_job_without_an_identity_is_told(desk, machine):
    machine.identity = False
    done = desk.push(token="", extra=machine.variables() | {"HF_OIDC_RESOURCE": REPO})
    assert done.code == 2
    assert "this job cannot show who it is: Cannot request an OIDC id token" in done.stderr
