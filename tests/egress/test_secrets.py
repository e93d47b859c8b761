"""S-33: a stored secret is put in as the request is sent, for the host it is sent to, and stands nowhere else."""

import traceback
from collections.abc import AsyncIterator

import pytest

from metier.egress import Egress, Limits, Secret
from metier.errors import Forbidden, Invalid, MetierError, RefusedAddress
from tests.egress.origin import Origin, page, redirect

VALUES = {"STRIPE_KEY": "sk_live_51canary", "USER": "ada secret:STRIPE_KEY", "LINES": "one\r\nX-Evil: yes"}


class Vault:
    """Gives values, and notes who they were for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def reveal(self, name: str, host: str) -> str:
        self.asked.append((name, host))
        if name not in VALUES:
            raise Forbidden(f"The secret {name!r} may not be sent to {host!r}.")
        return VALUES[name]


@pytest.fixture
def vault() -> Vault:
    return Vault()


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin({"/": page(), "/next": page()}) as opened:
        yield opened


@pytest.fixture
async def egress(origin: Origin) -> AsyncIterator[Egress]:
    async with Egress([("127.0.0.1", origin.port), ("localhost", origin.port)]) as opened:
        yield opened


async def test_a_value_takes_the_place_of_its_handle_in_a_header(origin: Origin, egress: Egress, vault: Vault):
    headers = {"Authorization": "Bearer secret:STRIPE_KEY", "X-Own": "not-a-secret:STRIPE_KEY, secret:"}

    await egress.fetch("GET", f"{origin.url}/", headers=headers, reveal=vault.reveal)

    sent = origin.requests[0].headers
    assert sent["authorization"] == "Bearer sk_live_51canary"
    assert sent["x-own"] == headers["X-Own"]
    assert vault.asked == [("STRIPE_KEY", "127.0.0.1")]
    assert headers["Authorization"] == "Bearer secret:STRIPE_KEY"


async def test_a_value_is_not_read_for_handles_itself(origin: Origin, egress: Egress, vault: Vault):
    headers = {"X-User": "secret:USER secret:USER", "X-Own": Secret("secret:STRIPE_KEY")}

    await egress.fetch("GET", f"{origin.url}/", headers=headers, reveal=vault.reveal)

    assert origin.requests[0].headers["x-user"] == "ada secret:STRIPE_KEY ada secret:STRIPE_KEY"
    assert origin.requests[0].headers["x-own"] == "secret:STRIPE_KEY"
    assert vault.asked == [("USER", "127.0.0.1")]


async def test_a_handle_in_url_or_body_stays_a_handle(origin: Origin, egress: Egress, vault: Vault):
    await egress.fetch("POST", f"{origin.url}/?k=secret:STRIPE_KEY", body=b"secret:STRIPE_KEY", reveal=vault.reveal)

    assert "canary" not in repr(origin.requests)
    assert vault.asked == []


async def test_without_a_vault_a_handle_is_only_text(origin: Origin, egress: Egress):
    await egress.fetch("GET", f"{origin.url}/", headers={"X-A": "secret:STRIPE_KEY"})

    assert origin.requests[0].headers["x-a"] == "secret:STRIPE_KEY"


async def test_each_hop_asks_for_its_own_host_and_another_gets_nothing(origin: Origin, egress: Egress, vault: Vault):
    origin.pages["/"] = redirect("/next")
    origin.pages["/next"] = redirect(f"http://localhost:{origin.port}/end")
    headers = {"Authorization": "secret:STRIPE_KEY", "User-Agent": "secret:STRIPE_KEY"}

    await egress.fetch("GET", f"{origin.url}/", headers=headers, reveal=vault.reveal)

    first, second, third = origin.requests
    assert first.headers["authorization"] == second.headers["authorization"] == "sk_live_51canary"
    assert "canary" not in repr(third)
    assert "secret:" not in repr(third)
    assert vault.asked == [("STRIPE_KEY", "127.0.0.1")] * 2


async def test_what_the_vault_refuses_is_not_sent(origin: Origin, egress: Egress, vault: Vault):
    with pytest.raises(Forbidden, match="OTHER_KEY"):
        await egress.fetch("GET", f"{origin.url}/", headers={"X-A": "secret:OTHER_KEY"}, reveal=vault.reveal)

    assert origin.connections == 0


async def test_a_value_of_several_lines_makes_no_second_header(origin: Origin, egress: Egress, vault: Vault):
    with pytest.raises(Invalid, match="more than one line") as caught:
        await egress.fetch("GET", f"{origin.url}/", headers={"X-A": "secret:LINES"}, reveal=vault.reveal)

    assert origin.connections == 0
    assert "X-Evil" not in str(caught.value.to_json())


async def test_a_value_is_not_sent_where_others_can_read_it(vault: Vault):
    async def look_up(host: str, port: int) -> list[str]:
        raise AssertionError(f"{host} was looked up")

    async with Egress(look_up=look_up) as egress:
        with pytest.raises(RefusedAddress, match="https only"):
            await egress.fetch("GET", "http://example.com/", headers={"X-A": "secret:USER"}, reveal=vault.reveal)

    assert vault.asked == []


@pytest.mark.parametrize("answer", [page(b"x" * 100).cut(10), page(b"x" * 100), page(b"abc", Content_Encoding="gzip")])
async def test_no_error_tells_the_value(origin: Origin, egress: Egress, vault: Vault, answer, caplog):
    origin.pages["/"] = answer
    caplog.set_level("DEBUG")

    with pytest.raises(MetierError) as caught:
        await egress.fetch(
            *("GET", f"{origin.url}/"),
            headers={"X-A": "secret:STRIPE_KEY"},
            limits=Limits(max_bytes=50),
            reveal=vault.reveal,
        )

    assert "canary" not in "".join(traceback.format_exception(caught.value)) + caplog.text


async def test_who_stays_on_a_host_is_given_what_leads_elsewhere(origin: Origin, egress: Egress):
    origin.pages["/"] = redirect("/next")
    origin.pages["/next"] = redirect(f"http://localhost:{origin.port}/end")

    reply = await egress.fetch("GET", f"{origin.url}/", limits=Limits(stay=True))

    assert (reply.status, reply.headers["Location"]) == (302, f"http://localhost:{origin.port}/end")
    assert [asked.path for asked in origin.requests] == ["/", "/next"]
