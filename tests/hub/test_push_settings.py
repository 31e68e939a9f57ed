"""`hubmaxact push` with a token, a name or an environment that cannot work: a sentence each."""

import pytest
from loopback_hub import at_once
from loopback_hub.desk import REPO

CANARY = "hf_canaryCANARYcanary0123456789"


def test_a_missing_or_hidden_repository_is_not_created(desk):
    desk.repo.private = True
    stranger = desk.hub.accounts.issue("bob")
    hidden, anonymous, unknown = at_once(
        lambda token: desk.push(token=token), [(stranger,), ("",), (CANARY,)]
    )
    assert "not on the Hub, or this token may not see it (404)" in hidden.stderr
    assert "no token was found" in anonymous.stderr
    assert "does not accept the token" in unknown.stderr
    assert {hidden.code, anonymous.code, unknown.code} == {2}
    assert desk.hub.asked("POST", "/api/repos/create") == []


def test_without_a_token_nothing_is_pushed(desk):
    done = desk.push("--pr", token="")
    assert done.code == 2
    assert "Run `hf auth login` or set HF_TOKEN" in done.stderr


def test_a_token_that_cannot_be_one_is_named(desk):
    done = desk.push(token="hf_ü")
    assert done.code == 2
    assert "characters that no token of the Hub has" in done.stderr


@pytest.mark.by_day("nan-HUBMAXACT_HTTP_TIMEOUT")
@pytest.mark.parametrize("variable", ["HUBMAXACT_HTTP_TIMEOUT", "HUBMAXACT_BACKOFF_SECONDS"])
@pytest.mark.parametrize("said", ["x", "nan", "-1"])
def test_a_number_of_seconds_that_is_none_is_named(desk, variable, said):
    desk.hub.faults.add("GET", "/revision/", status=500)
    done = desk.push(extra={variable: said})
    assert done.code == 2
    assert done.stderr == (
        f"hubmaxact: {variable} must be a number of seconds above 0, found '{said}'.\n"
    )


@pytest.mark.nightly
def test_a_proxy_that_cannot_be_one_is_named_without_its_password(desk):
    done = desk.push(extra={"HTTP_PROXY": "socks9://me:secret@x", "NO_PROXY": ""})
    assert done.code == 2
    assert "no connection can be set up: HTTP_PROXY names no usable proxy" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.nightly
def test_a_branch_that_is_not_there_is_named(desk):
    done = desk.push("--revision", "nightly")
    assert done.code == 2
    assert "alice/model has no revision nightly (404)" in done.stderr


@pytest.mark.nightly
def test_a_gated_repository_names_its_page(desk):
    desk.repo.gated = "manual"
    done = desk.push("--pr", token=desk.hub.accounts.issue("bob"))
    assert done.code == 2
    assert f"alice/model is gated. Accept its terms at {desk.hub.url}/{REPO}" in done.stderr


@pytest.mark.nightly
def test_offline_mode_is_named(desk):
    done = desk.push(extra={"HF_HUB_OFFLINE": "1"})
    assert done.code == 2
    assert "Unset HF_HUB_OFFLINE" in done.stderr


@pytest.mark.nightly
def test_a_hub_that_is_not_there_is_named(desk):
    done = desk.push(extra={"HF_ENDPOINT": "http://127.0.0.1:9"})
    assert done.code == 2
    assert (
        "http://127.0.0.1:9/alice/model gives no usable answer: the connection failed"
        in done.stderr
    )
