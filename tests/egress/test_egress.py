"""S-27, S-29: redirects, credentials, time and size of what goes out and comes in."""

import gzip
import traceback
import tracemalloc
import zlib

import pytest
from yarl import URL

from metier.egress import Egress, Limits, Secret
from metier.egress.client import _Hop
from metier.errors import Invalid, MetierError, Unreachable
from tests.egress.origin import Origin, page, redirect


@pytest.fixture
async def origin():
    async with Origin({"/": page(), "/next": page(b"next")}) as opened:
        yield opened


@pytest.fixture
async def egress(origin):
    async with Egress([("127.0.0.1", origin.port)]) as opened:
        yield opened


async def test_a_whole_answer_has_status_headers_and_body(origin, egress):
    origin.pages["/teapot"] = page(b"short and stout", 418, X_Kind="pot")

    reply = await egress.fetch("GET", f"{origin.url}/teapot")

    assert (reply.status, reply.headers["X-Kind"], reply.body) == (418, "pot", b"short and stout")


async def test_what_is_sent_arrives(origin, egress):
    await egress.fetch("POST", f"{origin.url}/", headers={"X-Key": Secret("s3cret"), "X-Open": "a"}, body=b"{}")

    (asked,) = origin.requests
    assert (asked.method, asked.raw) == ("POST", b"{}")
    assert (asked.headers["x-key"], asked.headers["x-open"]) == ("s3cret", "a")


def test_a_secret_does_not_show():
    assert "s3cret" not in f"{Secret('s3cret')} {Secret('s3cret')!r} { {'a': Secret('s3cret')} }"


async def test_connections_are_used_again(origin, egress):
    for _ in range(3):
        await egress.fetch("GET", f"{origin.url}/")

    assert (len(origin.requests), origin.connections) == (3, 1)


async def test_cookies_are_not_kept(origin, egress):
    origin.pages["/"] = page(b"", Set_Cookie="a=b")
    for _ in range(2):
        await egress.fetch("GET", f"{origin.url}/")

    assert "cookie" not in origin.requests[1].headers


async def test_the_environment_names_no_proxy(origin, egress, monkeypatch):
    async with Origin() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("NO_PROXY", "")

        assert (await egress.fetch("GET", f"{origin.url}/")).body == b"ok"
        assert proxy.connections == 0


async def test_the_environment_holds_no_password(origin, egress, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ada password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))

    await egress.fetch("GET", f"{origin.url}/")

    assert "authorization" not in origin.requests[0].headers


async def test_nothing_is_told_of_what_this_runs_on(origin, egress):
    await egress.fetch("GET", f"{origin.url}/")

    assert origin.requests[0].headers["user-agent"] == "Metier"


@pytest.mark.parametrize(
    "headers",
    [
        *[{"X-A": "a\r\nX-B: b"}, {"X-A": "a\nb"}, {"X-A": "a\0"}, {"X-A": Secret("s3cret\r\n")}, {"X-A": "\ud800"}],
        *[{"X A": "a"}, {"X-A:": "a"}, {"": "a"}, {"X-A\r\nX-B": "a"}, {"X-Ä": "a"}],
        *[{"Host": "inner.example"}, {"host": "a"}, {"Transfer-Encoding": "chunked"}, {"Content-Length": "9"}],
        *[{"Connection": "upgrade"}, {"Upgrade": "h2c"}, {"TE": "trailers"}, {"Expect": "100-continue"}],
    ],
)
async def test_headers_that_would_make_another_request_are_refused(origin, egress, headers):
    with pytest.raises(Invalid) as caught:
        await egress.fetch("POST", f"{origin.url}/", headers=headers, body=b"x")

    assert origin.connections == 0
    assert caught.value.problems[0].path.startswith("headers")
    assert "s3cret" not in str(caught.value.to_json())


@pytest.mark.parametrize("method", ["", "GET /x", "GET\r\nX: y", "GÉT"])
async def test_a_method_is_one_word(origin, egress, method):
    with pytest.raises(Invalid):
        await egress.fetch(method, f"{origin.url}/")

    assert origin.connections == 0


# --- redirects -------------------------------------------------------------------------------------------------------


async def test_a_redirect_is_followed(origin, egress):
    origin.pages["/"] = redirect("/next")

    assert (await egress.fetch("GET", f"{origin.url}/")).body == b"next"


async def test_the_sixth_redirect_is_not_followed(origin, egress):
    origin.pages["/"] = redirect("/")

    with pytest.raises(Unreachable) as caught:
        await egress.fetch("GET", f"{origin.url}/")

    assert caught.value.kind == "redirects"
    assert len(origin.requests) == 6


async def test_redirects_are_given_to_who_wants_none(origin, egress):
    origin.pages["/"] = redirect("/next")

    assert (await egress.fetch("GET", f"{origin.url}/", limits=Limits(redirects=0))).status == 302


@pytest.mark.parametrize(
    ("status", "method", "arrives"),
    [
        *[(301, "POST", ("GET", b"")), (302, "POST", ("GET", b"")), (303, "POST", ("GET", b""))],
        *[(307, "POST", ("POST", b"x")), (308, "POST", ("POST", b"x")), (303, "PUT", ("GET", b""))],
        *[(301, "PUT", ("PUT", b"x")), (302, "DELETE", ("DELETE", b"x")), (302, "PATCH", ("PATCH", b"x"))],
    ],
)
async def test_method_and_body_after_a_redirect(origin, egress, status, method, arrives):
    origin.pages["/"] = redirect("/next", status)

    await egress.fetch(method, f"{origin.url}/", body=b"x", headers={"Content-Type": "text/plain"})

    asked = origin.requests[1]
    assert (asked.method, asked.raw) == arrives
    assert ("content-type" in asked.headers) == (asked.raw == b"x")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_another_server_gets_the_bare_question(origin, status):
    """S-29: which of the headers hold a credential nobody can know, so only harmless ones go along."""
    sent = {"Authorization": "Bearer a", "Cookie": "a=b", "X-Api-Key": "k", "X-Own": "own", "Accept": "text/plain"}
    async with Origin({"/": page()}) as other:
        origin.pages["/"] = redirect(f"{other.url}/", status)
        async with Egress([("127.0.0.1", origin.port), ("127.0.0.1", other.port)]) as egress:
            await egress.fetch("GET", f"{origin.url}/", headers=sent | {"User-Agent": Secret("s3cret")})

        (asked,) = other.requests
        assert asked.headers["accept"] == "text/plain"
        assert not {"authorization", "cookie", "x-api-key", "x-own"} & asked.headers.keys()
        assert "s3cret" not in str(asked.headers)


async def test_credentials_stay_dropped_on_the_way_back(origin):
    async with Origin() as other, Egress([("127.0.0.1", origin.port), ("127.0.0.1", other.port)]) as egress:
        origin.pages["/"] = redirect(f"{other.url}/")
        other.pages["/"] = redirect(f"{origin.url}/next")
        await egress.fetch("GET", f"{origin.url}/", headers={"Authorization": "Bearer a"})

    assert "authorization" in origin.requests[0].headers
    assert "authorization" not in origin.requests[1].headers


@pytest.mark.parametrize("status", [307, 308])
async def test_a_body_is_not_sent_on_to_another_server(origin, status):
    async with Origin({"/": page()}) as other:
        origin.pages["/"] = redirect(f"{other.url}/", status)
        async with Egress([("127.0.0.1", origin.port), ("127.0.0.1", other.port)]) as egress:
            with pytest.raises(Unreachable, match="not sent on") as caught:
                await egress.fetch("POST", f"{origin.url}/", body=b"s3cret")

        assert (caught.value.kind, other.connections) == ("redirects", 0)


async def test_the_same_host_under_another_scheme_is_another_server():
    hop = _Hop("GET", URL("https://example.com/"), {"Authorization": "Bearer a"}, None)

    assert hop.to(URL("https://example.com:443/next"), 302).headers == hop.headers
    for elsewhere in ("http://example.com/", "https://example.com:444/", "https://sub.example.com/"):
        assert hop.to(URL(elsewhere), 302).headers == {}


async def test_credentials_stay_on_the_same_host(origin, egress):
    origin.pages["/"] = redirect("/next")

    await egress.fetch("GET", f"{origin.url}/", headers={"Authorization": Secret("Bearer a")})

    assert origin.requests[1].headers["authorization"] == "Bearer a"


# --- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slowness", "limits"),
    [
        ({"first_s": 5}, Limits(connect_s=0.05, first_byte_s=0.05)),
        ({"between_s": 5}, Limits(between_s=0.05)),
        ({"between_s": 0.04}, Limits(total_s=0.2)),
    ],
)
async def test_a_slow_answer_is_given_up(origin, egress, slowness, limits):
    origin.pages["/"] = page(b"x" * 100).in_pieces_of(1).slow(**slowness)

    with pytest.raises(Unreachable) as caught:
        await egress.fetch("GET", f"{origin.url}/", limits=limits)

    assert caught.value.kind == "timeout"


async def test_an_answer_may_be_as_large_as_the_limit_and_no_larger(origin, egress):
    origin.pages["/"] = page(b"x" * 1000)

    assert len((await egress.fetch("GET", f"{origin.url}/", limits=Limits(max_bytes=1000))).body) == 1000
    with pytest.raises(Unreachable) as caught:
        await egress.fetch("GET", f"{origin.url}/", limits=Limits(max_bytes=999))
    assert caught.value.kind == "too_large"


@pytest.mark.parametrize(("name", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_inflation_counts(origin, egress, name, pack):
    origin.pages["/"] = page(pack(b"\0" * 30_000_000), Content_Encoding=name)

    with pytest.raises(Unreachable) as caught:
        await egress.fetch("GET", f"{origin.url}/", limits=Limits(max_bytes=1_000_000))

    assert caught.value.kind == "too_large"


async def test_a_bomb_is_given_up_long_before_it_is_inflated(origin, egress):
    """However much there is, never more of it than the limit and a few pieces are held."""
    bomb = gzip.compress(b"\0" * 100_000_000, 1)
    origin.pages["/"] = page(bomb, Content_Encoding="gzip")

    tracemalloc.start()
    with pytest.raises(Unreachable):
        await egress.fetch("GET", f"{origin.url}/", limits=Limits(max_bytes=1_000_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 20_000_000


async def test_two_packings_are_not_undone(origin, egress):
    packed = gzip.compress(gzip.compress(b"\0" * 1_000_000))
    origin.pages["/"] = page(packed, Content_Encoding="gzip, gzip")

    assert (await egress.fetch("GET", f"{origin.url}/")).body == packed


@pytest.mark.parametrize(
    "answer",
    [
        *[page(b"s3cret", Content_Encoding="br"), page(b"s3cret", Content_Encoding="zstd")],
        *[page(b"s3cret", Content_Encoding="gzip"), page(b"", X_A="s3cret" * 20_000)],
        *[page(b"", Set_Cookie="s3cret;;==\x01; @@"), page(b"", Content_Type="s3cret"), redirect("http://[s3cret")],
    ],
)
async def test_what_a_server_says_is_in_no_error_and_no_log(origin, egress, answer, caplog):
    origin.pages["/"] = answer
    caplog.set_level("DEBUG")
    told = ""

    try:
        await egress.fetch("GET", f"{origin.url}/")
    except MetierError as error:
        told = "".join(traceback.format_exception(error)) + str(error.to_json())

    assert "s3cret" not in told + caplog.text


async def test_a_body_that_breaks_off_is_no_answer(origin, egress):
    origin.pages["/"] = page(b"x" * 100).cut(50)

    with pytest.raises(Unreachable) as caught:
        await egress.fetch("GET", f"{origin.url}/")

    assert caught.value.kind == "cut_off"


async def test_nobody_listening_and_an_unknown_name_are_told():
    async with Egress([("127.0.0.1", 9), ("no-such-host.invalid", 80)]) as egress:
        with pytest.raises(Unreachable, match="nothing listens there"):
            await egress.fetch("GET", "http://127.0.0.1:9/")
        with pytest.raises(Unreachable, match="its name is not known"):
            await egress.fetch("GET", "http://no-such-host.invalid/")


# --- streams ---------------------------------------------------------------------------------------------------------


async def test_a_stream_gives_pieces_as_they_come(origin, egress):
    origin.pages["/"] = page(b"abc").in_pieces_of(1).slow(between_s=0.05)
    pieces = []

    async with egress.stream("GET", f"{origin.url}/") as answer:
        while piece := await answer.piece():
            pieces.append(piece)

    assert pieces == [b"a", b"b", b"c"]


async def test_leaving_a_stream_early_closes_its_connection(origin, egress):
    origin.pages["/"] = page(b"abc").in_pieces_of(1).slow(between_s=0.05)

    async with egress.stream("GET", f"{origin.url}/") as answer:
        await answer.piece()

    await origin.idle()


async def test_closing_closes_the_trusting_ones_too(origin):
    egress = Egress()
    trusted = egress.trusting(origin.url)
    await trusted.fetch("GET", f"{origin.url}/")

    await egress.aclose()

    await origin.idle()
