"""Hosts as people list them: one spelling each, and no star over what belongs to many."""

import doctest

import pytest

from metier.egress import clean_host, covers, host_of, hosts
from metier.errors import Invalid


def test_the_examples_are_right():
    assert doctest.testmod(hosts).failed == 0


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        *[("API.Example.com", "api.example.com"), ("example.com.", "example.com"), (" a.example ", "a.example")],
        *[("bücher.example", "xn--bcher-kva.example"), ("①.example", "1.example"), ("localhost", "localhost")],
        *[("10.0.0.5", "10.0.0.5"), ("[::1]", "::1"), ("2606:4700:0::1", "2606:4700::1")],
        *[("*.Example.com", "*.example.com"), ("*.eu.example.com", "*.eu.example.com")],
    ],
)
def test_a_host_has_one_spelling(given: str, meant: str):
    assert clean_host(given) == meant
    assert clean_host(meant) == meant


@pytest.mark.parametrize(
    "given",
    [
        *["", "*", "*.", "*.com", "*.10.0.0.5", "*.*.example.com", "a.*.example", "a b", "a..b", "-a.example"],
        *[
            "https://a.example",
            "a.example:443",
            "a.example/x",
            "u@a.example",
            "a.example?x",
            "a.example#x",
            "%41.example",
        ],
        *["127.1", "0x7f.1", "2130706433", "fe80::1%eth0", "a" * 64 + ".example", "a.exa\nmple", "[::1", "\0"],
    ],
)
def test_what_is_no_host_is_told(given: str):
    with pytest.raises(Invalid):
        clean_host(given)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        *[("https://API.Example.com:443/x", "api.example.com"), ("https://example.com./", "example.com")],
        *[("https://bücher.example/", "xn--bcher-kva.example"), ("http://[::1]:80/", "::1"), ("x", None)],
        *[("http://[x]@/", None), ("https://exa mple.com/", None), ("http://127.1/", None), ("", None)],
    ],
)
def test_the_host_of_a_url_has_the_same_spelling(url: str, host: str | None):
    assert host_of(url) == host


def test_a_star_covers_what_is_below_and_nothing_beside():
    listed = ["*.example.com", "one.test"]

    assert [host for host in ("a.example.com", "a.b.example.com", "one.test") if not covers(listed, host)] == []
    beside = ("example.com", "xexample.com", "a.example.com.evil.test", "two.one.test", "", ".example.com.")
    assert [host for host in beside if covers(listed, host)] == []
