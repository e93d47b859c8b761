"""S-28 with invented addresses and URLs: nothing that is not public is connected to, whatever it is written like."""

import asyncio
import ipaddress
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metier.egress import Egress, is_public
from metier.egress.guard import Guard
from metier.errors import MetierError, RefusedAddress
from tests.egress.listening import Listening
from tests.egress.origin import Origin, redirect
from tests.scale import cases

#: Not globally reachable, by the registry of special addresses (IANA, "IPv4 Special-Purpose Address Registry").
SPECIAL = [
    ipaddress.IPv4Network(net)
    for net in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
        *("192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4"),
        *("240.0.0.0/4", "255.255.255.255/32"),
    )
]


def _within(net: ipaddress.IPv4Network) -> st.SearchStrategy[ipaddress.IPv4Address]:
    return st.integers(int(net[0]), int(net[-1])).map(ipaddress.IPv4Address)


inner = st.sampled_from(SPECIAL).flatmap(_within)


@settings(max_examples=cases(300), deadline=None)
@given(inner)
def test_a_special_address_is_public_in_no_wrapping(address: ipaddress.IPv4Address):
    assert [text for text in wrappings(address) if is_public(text)] == []


@settings(max_examples=cases(300), deadline=None)
@given(st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address))
def test_nothing_outside_the_assigned_unicast_space_is_public_unless_it_wraps_a_public_one(
    address: ipaddress.IPv6Address,
):
    outside = address not in ipaddress.IPv6Network("2000::/3")
    wraps = address.ipv4_mapped is not None or address in ipaddress.IPv6Network("64:ff9b::/96")

    assert not (outside and not wraps and is_public(str(address)))


def wrappings(address: ipaddress.IPv4Address) -> Iterator[str]:
    """Give an IPv4 address and all the IPv6 addresses whose traffic ends there."""
    number, yes = int(address), int(ipaddress.IPv4Address("8.8.8.8"))
    yield str(address)
    for prefix in ("::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::", "fe80::5efe:0:0", "2600::5efe:0:0"):
        yield str(ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | number))
    yield str(ipaddress.IPv6Address((0x2002 << 112) | (number << 80) | 1))  # 6to4
    yield str(ipaddress.IPv6Address((0x20010000 << 96) | (yes << 64) | (number ^ 0xFFFFFFFF)))  # Teredo's client
    yield str(ipaddress.IPv6Address((0x20010000 << 96) | (number << 64) | (yes ^ 0xFFFFFFFF)))  # and its server
    yield f"::ffff:{address}"
    yield f"[::ffff:{address}]"


# --- spellings -------------------------------------------------------------------------------------------------------

RADICES: list[Callable[[int], str]] = [str, hex, lambda n: f"0{n:o}", lambda n: f"0X{n:x}", lambda n: f"{n:03d}"]


@st.composite
def spellings(draw: st.DrawFn) -> str:
    """Write an address as old resolvers read it: one to four numbers, each decimal, octal or hexadecimal."""
    octets = list(draw(inner).packed)
    many = draw(st.integers(1, 4))
    last = int.from_bytes(octets[many - 1 :], "big")
    parts = [draw(st.sampled_from(RADICES))(n) for n in [*octets[: many - 1], last]]
    dot = draw(st.sampled_from([".", ".", ".", "。", "．"]))
    return dot.join(parts) + draw(st.sampled_from(["", "", ".", ".."]))


@settings(max_examples=cases(300), deadline=None)
@given(spellings())
def test_no_spelling_of_a_special_address_gets_past_the_url(host: str):
    with pytest.raises(RefusedAddress):
        guard().check_url(f"http://{host}/")


@settings(max_examples=cases(300), deadline=None)
@given(inner.flatmap(lambda address: st.sampled_from(list(wrappings(address))[1:])))
def test_no_wrapped_special_address_gets_past_the_url(text: str):
    with pytest.raises(RefusedAddress):
        guard().check_url(f"http://[{text.strip('[]')}]/")


def guard() -> Guard:
    """Make a guard whose name server knows every name as this machine."""
    return Guard((), (80, 443), _here)


# --- whole URLs ------------------------------------------------------------------------------------------------------

HERE = ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "127.1", "0", "2130706433", "0x7f.1", "0177.0.0.1"]
JUNK = [
    "",
    "@",
    ":",
    "/",
    "//",
    "\\",
    "?",
    "#",
    ".",
    "%",
    "%00",
    "%2e",
    "%40",
    " ",
    "\t",
    "\n",
    "\0",
    "[",
    "]",
    ";",
    "ß",
    "。",
]

junk = st.one_of(st.sampled_from(JUNK), st.text(max_size=2))
schemes = st.sampled_from(
    ["http://", "https://", "http:", "http:/", "http:///", "HTTP://", "//", "ftp://", "http:\\\\"]
)
users = st.sampled_from(["", "", "@", "user:pw@", "example.com@", "example.com\\@", "example.com/@", "example.com#@"])
tails = st.lists(st.one_of(junk, st.sampled_from(["@example.com", ".example.com", ":80", "/x"])), max_size=3)
invented = st.builds(
    lambda scheme, user, before, host, after, tail: f"{scheme}{user}{before}{host}{after}:PORT{''.join(tail)}",
    *(schemes, users, junk, st.sampled_from(HERE), junk, tails),
)


@pytest.mark.proof
def test_no_invented_url_reaches_this_machine_and_each_is_refused_in_our_words():
    with asyncio.Runner() as runner:
        inner = runner.run(Listening().__aenter__())
        egress = Egress(ports=[inner.port], look_up=_here)

        @settings(max_examples=cases(500), deadline=None)
        @given(invented)
        def go(url: str) -> None:
            with pytest.raises(MetierError):
                runner.run(egress.fetch("GET", url.replace("PORT", str(inner.port))))
            assert inner.connections == 0

        go()
        runner.run(egress.aclose())
        runner.run(inner.__aexit__())


@pytest.mark.proof
def test_no_invented_redirect_reaches_this_machine():
    with asyncio.Runner() as runner:
        inner, gate = runner.run(Listening().__aenter__()), runner.run(Origin().__aenter__())
        egress = Egress([("127.0.0.1", gate.port)], ports=[inner.port], look_up=_here)

        @settings(max_examples=cases(300), deadline=None)
        @given(invented.filter(str.isprintable))
        def go(url: str) -> None:
            gate.pages["/"] = redirect(url.replace("PORT", str(inner.port)))
            with suppress(MetierError):  # what is read as a path leads back to the gate, which has no such page
                runner.run(egress.fetch("GET", f"{gate.url}/"))
            assert inner.connections == 0

        go()
        runner.run(egress.aclose())
        runner.run(gate.__aexit__())
        runner.run(inner.__aexit__())


async def _here(host: str, port: int) -> list[str]:
    return ["127.0.0.1", "::1"]
