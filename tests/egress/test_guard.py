"""S-28: no connection to an address that is not public, in whatever form it comes."""

import socket
import traceback

import pytest

from metier.egress import Egress, is_public
from metier.errors import Invalid, MetierError, RefusedAddress
from tests.egress.origin import Origin, page, redirect

PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:4700::1", "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8"]

NOT_PUBLIC = [
    *["127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1"],
    *["169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.1", "192.0.0.192", "192.88.99.1"],
    *["198.18.0.1", "192.0.2.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"],
    *["::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "100::1"],
    *["2001:db8::1", "3fff::1", "5f00::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:0:7f00:1", "::ffff:0:0"],
    *["64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1"],
    *["2001:0:7f00:1::", "2600::5efe:7f00:1", "2600::200:5efe:7f00:1"],
    *["", "localhost", "127.1", "0177.0.0.1", "2130706433", "0x7f000001"],
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_known(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_known(address):
    assert is_public(address)


async def test_the_systems_own_name_for_this_machine_is_refused():
    async with Origin({"/": page()}) as origin, Egress(ports=[origin.port]) as egress:
        with pytest.raises(RefusedAddress, match="not public"):
            await egress.fetch("GET", f"http://localhost:{origin.port}/")

        assert origin.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        *["file:///etc/passwd", "ftp://example.com/", "gopher://example.com/", "ws://example.com/", "//example.com/"],
        *["http://user:pass@example.com/", "http://user@example.com/", "http://:pass@example.com/"],
        *["http://example.com:22/", "https://example.com:8443/", "http://example.com:0/", "http://example.com:99999/"],
        *["http://", "http:///x", "example.com", "", "http://exa mple.com/", "http://a\\@127.0.0.1/", "http://x%00.y/"],
        *["http://127.0.0.1%2f@example.com/", "http://[::1", "http://:@example.com/", "http://exa\tmple.com/"],
        *["http://example.com/\x00", "http://example.com/\r\nX: y", "\ufeffhttp://example.com/"],
    ],
)
async def test_a_url_that_is_not_plain_http_to_an_open_port_is_refused(url):
    async with Egress(look_up=_fails_if_asked) as egress:
        with pytest.raises(RefusedAddress):
            await egress.fetch("GET", url)


async def _fails_if_asked(host, port):
    raise AssertionError(f"{host} was looked up")


@pytest.mark.parametrize(
    "addresses",
    [
        *[["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"]],
        *[["93.184.216.34", "127.0.0.1"], ["127.0.0.1", "93.184.216.34"], []],
    ],
)
async def test_a_name_is_refused_unless_every_address_is_public(addresses):
    async def look_up(host, port):
        return addresses

    async with Origin({"/": page()}) as origin, Egress(ports=[origin.port], look_up=look_up) as egress:
        with pytest.raises(RefusedAddress, match="not public"):
            await egress.fetch("GET", f"http://example.com:{origin.port}/")

        assert origin.connections == 0


async def test_a_name_is_looked_up_once_for_check_and_connection():
    answers = iter([["127.0.0.1"], ["93.184.216.34"]])

    async def rebinding(host, port):
        return next(answers)

    async with Origin({"/": page()}) as origin:
        egress = Egress([("rebind.example", origin.port)], look_up=rebinding)
        async with egress:
            reply = await egress.fetch("GET", f"http://rebind.example:{origin.port}/")

    assert reply.body == b"ok"
    assert next(answers) == ["93.184.216.34"]


def test_the_socket_is_refused_even_if_url_and_name_passed():
    guard = Egress()._guard
    for address in ("127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254"):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with pytest.raises(OSError, match="not public"):
            guard.open_socket((family, socket.SOCK_STREAM, 6, "", (address, 80)))


async def test_an_allowed_place_is_host_and_port_together():
    async with Origin({"/": page()}) as open_, Origin({"/": page()}) as closed, Egress() as none:
        egress = none.trusting(f"http://localhost:{open_.port}")
        reply = await egress.fetch("GET", f"http://localhost:{open_.port}/")
        for url in (f"http://localhost:{closed.port}/", f"http://127.0.0.1:{open_.port}/", "http://localhost/"):
            with pytest.raises(RefusedAddress):
                await egress.fetch("GET", url)

    assert reply.body == b"ok"
    assert closed.connections == 0


async def test_an_allowed_address_is_reached_by_itself_and_by_no_name():
    async def look_up(host, port):
        return ["127.0.0.1"]

    async with Origin({"/": page()}) as origin:
        egress = Egress([("127.0.0.1", origin.port)], ports=[origin.port], look_up=look_up)
        with pytest.raises(RefusedAddress):
            await egress.fetch("GET", f"http://evil.example:{origin.port}/")
        assert origin.connections == 0
        reply = await egress.fetch("GET", f"http://127.0.0.1:{origin.port}/")
        await egress.aclose()

    assert reply.body == b"ok"


async def test_trust_in_a_base_url_stays_with_who_was_given_it():
    async with Origin({"/v1/x": page()}) as origin, Egress(ports=[origin.port]) as egress:
        trusted = egress.trusting(f"{origin.url}/v1")
        other = egress.trusting("http://127.0.0.1:9/v1")

        assert (await trusted.fetch("GET", f"{origin.url}/v1/x")).body == b"ok"
        for guarded in (egress, other):  # also while the trusted one's connection lies open in its pool
            with pytest.raises(RefusedAddress):
                await guarded.fetch("GET", f"{origin.url}/v1/x")
        assert len(origin.requests) == 1


@pytest.mark.parametrize("url", ["", "ollama", "ftp://x/", "http:///v1", "http://user:pw@host/v1", "http://h:99999/"])
def test_a_base_url_that_cannot_be_read_is_named(url):
    with pytest.raises(Invalid) as caught:
        Egress().trusting(url)

    assert caught.value.problems[0].path == "base_url"


@pytest.mark.parametrize("location", ["http://a\\@127.0.0.1/", "http://h:99999/", "http://[::1", "file:///etc/passwd"])
async def test_a_redirect_that_cannot_be_read_is_refused(location):
    async with Origin({"/": redirect(location)}) as gate, Egress() as egress:
        with pytest.raises(RefusedAddress):
            await egress.trusting(gate.url).fetch("GET", f"{gate.url}/")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/p?token=s3cret", "http://u:s3cret@h:99999/", "http://u:s3cret@h/", "http://h:9/?s3cret"]
)
async def test_errors_tell_neither_query_nor_password(url):
    async with Egress([("h", 9)]) as egress:
        with pytest.raises(MetierError) as caught:
            await egress.fetch("GET", url)

    assert "s3cret" not in "".join(traceback.format_exception(caught.value)).replace(url, "")
    assert "s3cret" not in str(caught.value)
