"""Rules that every page keeps: the security policy (S-52), what screen readers need, sizes, nothing from elsewhere."""

import gzip
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from metier.web.assets import BUILD_COMMAND, Assets
from metier.web.headers import ALWAYS
from tests.web.site import Site, browser_of, soup

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGES = [
    "/chat",
    "/o",
    "/o/ship",
    "/o/ship?f.state=afloat&pick=crew",
    "/o/ship?q=zzz",
    "/o/ship/{Aurora}",
    "/o/port/{Lagos}",
    "/settings/profile",
    "/settings/members",
    "/settings/security/roles",
    "/settings/security/roles/member",
    "/settings/security/roles/admin?object=ship",
    "/settings/api-keys",
    "/settings/ai/models",
    "/settings/features",
    "/settings/schedules",
    "/settings/schedules/sweep",
    "/settings/health",
    "/runs",
    "/docs",
    "/nowhere",
]
ALONE = ["/login", "/link/used", "/nowhere"]
TEMPLATES = Path(__file__).parents[2] / "src" / "metier" / "web" / "templates"


async def _visit(site: Site, url: str) -> tuple[BeautifulSoup, dict[str, str]]:
    answer = await site.get(url.format(**site.ids))
    return soup(answer), dict(answer.headers)


def _check_policy(page: BeautifulSoup, headers: dict[str, str]) -> None:
    policy = headers["content-security-policy"]
    nonce = re.search(r"script-src 'self' 'nonce-([\w-]{16,})'", policy)
    assert nonce, policy
    for part in ("default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "img-src 'self' data: blob:"):
        assert part in policy
    assert "unsafe" not in policy
    for script in page.find_all("script"):
        assert script.get("src", "").startswith("/static/") or script["nonce"] == nonce[1]
    for element in page.find_all(True):
        assert "style" not in element.attrs, element
        assert not [a for a in element.attrs if a.startswith("on") or "hx-on" in a or a == "hx-live"], element
        assert not [v for v in element.attrs.values() if str(v).strip().lower().startswith(("js:", "javascript:"))], (
            element
        )


def _check_structure(page: BeautifulSoup) -> None:
    assert page.html["lang"] == "en"
    assert len(page.select("h1")) == 1
    assert page.h1.get_text(strip=True)
    assert len(page.select("main")) == 1
    ids = [e["id"] for e in page.select("[id]")]
    assert len(ids) == len(set(ids)), sorted(i for i in ids if ids.count(i) > 1)
    for reference in page.select("[aria-labelledby], [aria-describedby], [aria-controls]"):
        for name in ("aria-labelledby", "aria-describedby", "aria-controls"):
            for target in reference.get(name, "").split():
                assert target in ids, f"{name}={target}"


def _check_labels(page: BeautifulSoup) -> None:
    for control in page.select("input:not([type=hidden]), select, textarea"):
        labelled = (
            control.get("aria-label")
            or control.find_parent("label")
            or page.select_one(f"label[for='{control.get('id')}']")
        )
        assert labelled, control
    for element in page.select("button, a[href], summary"):
        if not element.find_parent("template"):
            assert element.get_text(strip=True) or element.get("aria-label"), element
    for image in page.select("svg"):
        assert image.get("aria-hidden") == "true" or image.get("role") == "img", image


@pytest.mark.parametrize("url", PAGES)
async def test_every_page_keeps_the_rules(fleet: Site, url: str):
    page, headers = await _visit(fleet, url)

    _check_policy(page, headers)
    _check_structure(page)
    _check_labels(page)
    assert page.select_one("nav[aria-label]")
    assert page.select_one("a.skip")["href"] == "#main"
    assert page.select_one("#main")


@pytest.mark.parametrize("url", ALONE)
async def test_pages_without_the_frame_keep_them_too(fleet: Site, url: str):
    async with browser_of(fleet.house) as stranger:
        page, headers = await _visit(Site(fleet.house, stranger), url)

    _check_policy(page, headers)
    _check_structure(page)
    _check_labels(page)


async def test_every_page_has_its_own_title(fleet: Site):
    titles = [(await _visit(fleet, url))[0].title.get_text() for url in PAGES if "?" not in url]

    assert len(titles) == len(set(titles)), titles


async def test_each_visit_has_a_nonce_of_its_own(fleet: Site):
    first, second = [(await fleet.get("/o")).headers["content-security-policy"] for _ in range(2)]

    assert first != second


@pytest.mark.parametrize("url", ["/o/ship", "/api/v1/objects", "/favicon.svg", "/healthz", "/nowhere"])
async def test_every_answer_has_the_small_headers(fleet: Site, url: str):
    headers = (await fleet.get(url)).headers

    assert {name: headers.get(name) for name in ALWAYS} == dict(ALWAYS)


@pytest.mark.parametrize("url", ["/o/ship", "/settings/api-keys", "/link/used", "/nowhere"])
async def test_pages_are_not_kept(fleet: Site, url: str):
    assert (await fleet.get(url)).headers["cache-control"] == "no-store"


async def test_the_first_page_is_light(fleet: Site):
    """UI.md, budgets: at most 60 kB packed, with everything it loads."""
    sizes: dict[str, int] = {}
    for url in ("/chat", "/o/ship"):
        answer = await fleet.get(url)
        page = soup(answer)
        loaded = [e["src"] for e in page.select("script[src]")] + [
            e["href"] for e in page.select("link[rel=stylesheet]")
        ]
        assert len(loaded) >= 2, "the bundles are built before the tests"
        parts = [(await fleet.get(path)).content for path in loaded]
        chunks = {c for part in parts for c in re.findall(rb'from"\./([\w-]+\.js)"', part)}
        parts += [(await fleet.get(f"/static/{chunk.decode()}")).content for chunk in chunks]
        sizes[url] = sum(len(gzip.compress(part)) for part in (answer.content, *parts))

    assert max(sizes.values()) <= 60_000, sizes


async def test_bundles_are_packed_and_kept_for_ever(fleet: Site):
    page = await fleet.page("/o")
    url = page.select_one("link[rel=stylesheet]")["href"]

    packed = await fleet.get(url, **{"Accept-Encoding": "gzip"})
    plain = await fleet.get(url, **{"Accept-Encoding": "identity"})

    assert re.fullmatch(r"/static/style-\w{8}\.css", url)
    assert packed.headers["content-encoding"] == "gzip"
    assert "immutable" in packed.headers["cache-control"]
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert packed.headers["content-type"].startswith("text/css")


async def test_a_long_page_is_packed(fleet: Site):
    packed = await fleet.get("/o/ship", **{"Accept-Encoding": "gzip"})
    plain = await fleet.get("/o/ship", **{"Accept-Encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers


async def test_without_bundles_every_page_says_what_to_run(
    fleet: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(fleet.client._transport.app.state.pages, "assets", Assets(tmp_path))

    for url in ("/o", "/o/ship", "/link/used"):
        page = soup(await fleet.get(url))
        assert BUILD_COMMAND in page.select_one(".banner").get_text(), url
        assert not page.select("script[src], link[rel=stylesheet]"), url


async def test_a_new_build_is_noticed(tmp_path: Path):
    assets = Assets(tmp_path)
    before = assets.missing
    (tmp_path / "manifest.json").write_text('{"app.js": "app-1.js"}')

    assert before
    assert assets.url("app.js") == "/static/app-1.js"
    assert assets.url("grid.js") is None


async def test_the_tab_has_a_sign(fleet: Site):
    answer = await fleet.get("/favicon.svg")

    assert answer.headers["content-type"].startswith("image/svg+xml")


async def test_templates_hold_nothing_that_the_policy_forbids():
    forbidden = re.compile(r"\sstyle=|\shx-on|\son[a-z]+=\"|[\"']js:|javascript:|\|\s*safe\b")
    found = [
        f"{path.name}:{number}: {line.strip()}"
        for path in TEMPLATES.rglob("*.html")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if forbidden.search(line)
    ]

    assert found == []
