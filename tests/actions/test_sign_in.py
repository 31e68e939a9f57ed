"""How the action signs in, and that what it signs in with stays where it belongs."""

import json

import pytest
from loopback_hub.desk import REPO

from actions.harness import run_action

OTHERS_TOKEN = "hf_ofAnotherStepOfTheSameJob"


@pytest.fixture
def token(hub):
    return hub.accounts.issue("alice")


def bearers(hub):
    return {asked.authorization for asked in hub.requests if "/ci/" not in asked.target}


def test_a_trusted_job_needs_no_token_and_asks_nothing_that_its_token_may_not(desk, machine):
    assert run_action({"repo": REPO}, machine).code == 0
    (opened,) = desk.repo.discussions.values()
    assert opened.author == "[OIDC]"
    assert desk.hub.asked("GET", "whoami") == desk.hub.asked("POST", "repos/create") == []
    assert all(asked.status < 400 for asked in desk.hub.requests if "resolve" not in asked.target)


@pytest.mark.nightly
def test_a_token_that_is_given_is_meant_and_the_identity_is_left_alone(desk, machine, token):
    desk.hub.trusted_publishers.clear()
    assert run_action({"repo": REPO, "hf-token": token}, machine).code == 0
    assert bearers(desk.hub) == {f"Bearer {token}"}
    assert desk.hub.asked("POST", "/oauth/token") == []


@pytest.mark.nightly
def test_a_token_that_is_refused_is_an_error_and_the_identity_is_not_tried_instead(desk, machine):
    run = run_action({"repo": REPO, "hf-token": "hf_ofNobody"}, machine)
    assert (run.code, desk.repo.discussions) == (2, {})
    assert bearers(desk.hub) == {"Bearer hf_ofNobody"}
    assert run.log.errors[0].startswith("publishing failed: ")


def test_a_job_that_is_not_trusted_is_told_so(desk, machine):
    desk.hub.trusted_publishers.clear()
    run = run_action({"repo": REPO}, machine)
    assert (run.code, desk.repo.discussions) == (2, {})
    (sentence,) = run.log.errors
    assert f"no token for {REPO} was given for this job's identity (400" in sentence
    assert "Trusted Publisher" in sentence
    assert "hf-token" in sentence
    assert "Traceback" not in run.log.shown


@pytest.mark.nightly
def test_a_token_is_enough_where_there_is_no_identity(desk, machine, token):
    machine.identity = False
    machine.extra["HF_TOKEN"] = OTHERS_TOKEN  # not for this action
    assert run_action({"repo": REPO, "hf-token": f"{token}\n"}, machine).code == 0
    assert bearers(desk.hub) == {f"Bearer {token}"}


def test_with_neither_one_sentence_says_what_to_do(desk, machine):
    machine.identity = False
    machine.extra["HF_TOKEN"] = OTHERS_TOKEN
    run = run_action({"repo": REPO}, machine)
    assert (run.code, desk.hub.requests) == (2, [])
    (sentence,) = run.log.errors
    assert sentence == (
        "there is no way to sign in to the Hub. Give the job `permissions: id-token: write` and "
        "add it as a Trusted Publisher in the settings of alice/model, or set hf-token."
    )


def places(run, secret):
    """Where a secret can be read once the job is over."""
    readable = dict(run.machine.written())
    # The runner takes this line away; it is how the runner learns what to blot out.
    readable["the log"] = run.log.raw.replace(f"::add-mask::{secret}\n", "").encode()
    readable["the rest"] = run.said.encode()
    return [place for place, content in readable.items() if secret.encode() in content]


@pytest.mark.nightly
def test_the_token_is_nowhere_when_all_goes_well(desk, machine, token):
    machine.identity = False
    run = run_action({"repo": REPO, "hf-token": token}, machine)
    assert (run.code, run.log.masks) == (0, [token])
    assert places(run, token) == []


def test_the_token_is_nowhere_when_the_hub_shouts_it(desk, machine, token):
    machine.identity = False
    machine.extra |= {"HUBMAXACT_DEBUG": "1", "HF_DEBUG": "1"}
    body = json.dumps({"error": f"{token} may not\n::error::pwned {token}"}).encode()
    desk.hub.faults.add("POST", "/commit/", status=403, body=body)
    run = run_action({"repo": REPO, "hf-token": token}, machine)
    assert run.code != 0
    assert places(run, token) == []
    (sentence,) = run.log.errors
    assert sentence.startswith("publishing failed: ")


@pytest.mark.nightly
def test_an_exchanged_token_is_nowhere_either(desk, machine):
    run = run_action({"repo": REPO}, machine)
    (exchanged,) = (bearer for bearer in bearers(desk.hub) if bearer)
    assert places(run, exchanged.removeprefix("Bearer ")) == []


@pytest.mark.by_day("*pwned")
@pytest.mark.parametrize("token", ["hf_one two", "hf_one\ntwo\n::error::pwned"])
def test_a_token_that_can_be_none_is_refused_and_not_repeated(desk, machine, token):
    machine.identity = False
    run = run_action({"repo": REPO, "hf-token": token}, machine)
    assert (run.code, desk.hub.requests) == (2, [])
    assert "two" not in run.log.shown
    assert run.log.errors == [
        "the input hf-token holds spaces or other characters that no token has."
    ]
