"""Proxies of the environment: a failure names the variable, and never the address behind it."""

import pytest
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import httpx

from hubmaxact.hub import proxies
from hubmaxact.hub.faults import Kind, classify

SECRET = "http://me:secret@127.0.0.1:9"
VARIABLES = [f"{name}_proxy" for name in ("http", "https", "all", "no")]
CHOSEN = [
    ({"HTTPS_PROXY": SECRET}, "https://hub.example.com/x", "HTTPS_PROXY"),
    (
        {"https_proxy": SECRET, "HTTPS_PROXY": "http://other"},
        "https://hub.example.com",
        "https_proxy",
    ),
    ({"ALL_PROXY": SECRET}, "https://hub.example.com", "ALL_PROXY"),
    ({"HTTP_PROXY": SECRET}, "https://hub.example.com", None),
    ({"HTTP_PROXY": SECRET}, "http://hub.example.com", "HTTP_PROXY"),
    ({"HTTPS_PROXY": SECRET, "NO_PROXY": "example.com"}, "https://hub.example.com", None),
    ({}, "https://hub.example.com", None),
]
UNUSABLE = ["socks9://me:secret@x", "ftp://x", "http://", "http://x:abc", "socks5://127.0.0.1:9"]


@pytest.fixture
def environment(monkeypatch):
    """Sets these variables, and no other that is about proxies."""

    def set_to(variables):
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_to


def test_the_variable_that_a_request_obeys_is_named(environment):
    for variables, url, expected in CHOSEN:
        environment(variables)
        assert proxies.variable_for(httpx.URL(url)) == expected, variables


def test_a_proxy_that_cannot_be_one_is_known_beforehand(environment):
    for value in UNUSABLE:
        environment({"HTTPS_PROXY": value})
        assert proxies.unusable() == "HTTPS_PROXY", value
    for value in (SECRET, "127.0.0.1:9", "https://proxy.example.com", ""):
        environment({"HTTPS_PROXY": value})
        assert proxies.unusable() is None, value


def failing(kind, words="refused"):
    return kind(words, request=httpx.Request("GET", "https://hub.example.com/x"))


def answered(status, url):
    response = httpx.Response(status, request=httpx.Request("GET", url))
    return HfHubHTTPError("", response=response)


def test_a_connection_that_fails_is_the_proxys_where_there_is_one(environment):
    for kind in (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError):
        environment({"HTTPS_PROXY": SECRET})
        fault = classify(failing(kind))
        assert (fault.kind, fault.detail) == (Kind.PROXY, "HTTPS_PROXY")
        sentence = fault.sentence(repo="a/b", revision="main", url="https://hub.example.com")
        assert "through the proxy that HTTPS_PROXY names" in sentence
        assert "secret" not in sentence
        environment({})
        assert classify(failing(kind)).kind is Kind.UNCERTAIN


def test_a_proxy_that_may_be_behind_a_failure_is_named_beside_it(environment):
    environment({"HTTPS_PROXY": SECRET, "HTTP_PROXY": SECRET})
    for fault in (
        classify(failing(httpx.ReadError)),
        classify(answered(403, "http://hub.example.com/x")),
        classify(answered(502, "http://hub.example.com/x")),
    ):
        sentence = fault.sentence(repo="a/b", revision="main", url="https://hub.example.com")
        assert "through the proxy that HTTP" in sentence
        assert "secret" not in sentence
    assert classify(answered(407, "http://hub.example.com/x")).kind is Kind.PROXY
    assert classify(answered(403, "https://hub.example.com/x")).proxy is None
    environment({})
    assert classify(failing(httpx.ReadError)).proxy is None


def test_a_certificate_of_ones_own_network_is_named(environment):
    environment({})
    words = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"
    fault = classify(failing(httpx.ConnectError, words))
    assert "SSL_CERT_FILE" in fault.sentence(repo="a/b", revision="main", url="https://hub")


def test_a_push_through_a_proxy_that_refuses_names_the_variable(desk):
    done = desk.push(extra={"HTTP_PROXY": SECRET, "NO_PROXY": ""})
    assert done.code == 2
    assert "cannot be reached through the proxy that HTTP_PROXY names" in done.stderr
    assert "secret" not in done.stderr
