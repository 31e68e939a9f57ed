"""HF_ENDPOINT as people set it: what cannot work is refused with the way it was meant."""

import pytest
from command import hubmaxact

from hubmaxact.errors import HubError
from hubmaxact.hub import endpoint
from hubmaxact.hub.faults import Fault, Kind

REFUSED = [
    ("hub.example.com", "lacks https://", "https://hub.example.com "),
    ("localhost:9/hf/", "lacks https://", "https://localhost:9/hf "),
    ("127.0.0.1:9", "lacks https://", "https://127.0.0.1:9 "),
    ("//hub.example.com", "lacks https://", "https://hub.example.com "),
    ("https:/hub.example.com", "lacks https://", "https://hub.example.com "),
    ("http//hub.example.com", "lacks https://", "https://hub.example.com "),
    (" https://hub.example.com", "holds a space", "https://hub.example.com "),
    ("https://hub.example.com\n", "holds a space", "https://hub.example.com "),
    ('"https://hub.example.com"', "another character that no address has", "https://hub.example."),
    ("https://hub example.com", "holds a space", "https://HOST "),
    ("", "is empty", "https://HOST "),
    ("https://", "names no host", "https://HOST "),
    ("https://me:secret@", "names no host", "https://HOST "),
    ("me:secret@hub.example.com", "lacks https://", "https://hub.example.com "),
    ("me:sec/ret@hub.example.com", "lacks https://", "https://hub.example.com "),
    ("ftp://hub.example.com", "begins with ftp://", "https://hub.example.com "),
    ("https://hub.example.com?a=b", "holds ? or #", "https://HOST "),
]
NO_ADDRESS = ["http://[bad", "http://hub:abc", "http://hub:99999", "https://me:secret@[bad"]


def test_an_endpoint_that_cannot_work_is_refused_with_what_was_meant(monkeypatch):
    for value, problem, meant in REFUSED:
        monkeypatch.setenv("HF_ENDPOINT", value)
        with pytest.raises(HubError) as caught:
            endpoint.check()
        sentence = str(caught.value)
        assert sentence.startswith("HF_ENDPOINT is '"), value
        assert problem in sentence, value
        assert f"Write it as {meant}" in sentence, value
        assert "secret" not in sentence
        assert "ret@" not in sentence
        assert "\n" not in sentence


def test_what_is_no_address_at_all_is_refused_before_the_client_falls_over_it(monkeypatch):
    for value in NO_ADDRESS:
        monkeypatch.setenv("HF_ENDPOINT", value)
        with pytest.raises(HubError, match="which is no address") as caught:
            endpoint.check_address()
        assert "secret" not in str(caught.value)


def test_an_endpoint_that_may_work_passes(monkeypatch):
    for value in (None, "https://hf-mirror.com", "http://127.0.0.1:9/hf/", "HTTPS://me:x@hub:8443"):
        monkeypatch.setenv("HF_ENDPOINT", value) if value else monkeypatch.delenv(
            "HF_ENDPOINT", False
        )
        endpoint.check()
        endpoint.check_address()


def test_a_path_is_doubted_where_nothing_is_found(monkeypatch):
    def sentence():
        return Fault(Kind.NO_REPOSITORY, "").sentence(repo="a/b", revision="main", url="")

    monkeypatch.setenv("HF_ENDPOINT", "https://huggingface.co")
    assert "HF_ENDPOINT" not in sentence()
    monkeypatch.setenv("HF_ENDPOINT", "https://huggingface.co/models")
    assert sentence().endswith("HF_ENDPOINT has the path /models; is that right?")


def test_a_password_in_the_endpoint_is_not_shown():
    assert endpoint.without_login("https://me:secret@hub:8/a") == "https://hub:8/a"
    assert endpoint.without_login("https://hub/a") == "https://hub/a"


@pytest.mark.parametrize("value", ["hub.example.com", "http://[bad"])
def test_a_command_says_it_in_one_sentence(tmp_path, value):
    done = hubmaxact("measure", "alice/model", home=tmp_path, HF_ENDPOINT=value)
    assert done.returncode == 2
    assert done.stderr.startswith(f"hubmaxact: HF_ENDPOINT is '{value}', which ")
    assert done.stderr.count("\n") == 1
