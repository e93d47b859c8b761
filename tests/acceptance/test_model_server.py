"""The main job with a model behind it: a server that speaks the real protocol calls a tool and streams the answer.

Twice: with `metier.testing.faults`, and with `@copilotkit/aimock`, which others wrote. aimock answers in words only
once it is sent what the tool found, so that the way back is held too.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.acceptance.browser import window
from tests.acceptance.conftest import Home, Server, free_port, running
from tests.acceptance.models import MODEL, aimock, scripted
from tests.acceptance.test_ask import QUESTION, recent_companies

ARGUMENTS = {"where": {"created_at": {"within": "last_7_days"}}, "sort": "-created_at"}
LEAD = "These companies were created in the last 7 days, the newest of them first."


@dataclass(frozen=True)
class Told:
    """What the model will say: the right answer, found another way."""

    companies: Mapping[str, str]

    @property
    def answer(self) -> str:
        """A sentence, and a table of links."""
        rows = [f"| [{name}](/o/company/{company_id}) |" for company_id, name in self.companies.items()]
        return "\n".join([LEAD, "", "| Company |", "| --- |", *rows])


@pytest.fixture(scope="module")
def told(home: Home) -> Told:
    """What there is to tell."""
    found = recent_companies(home)
    assert len(found) >= 3
    return Told(found)


@pytest.fixture(scope="module", params=["faults", "aimock"])
def env(
    request: pytest.FixtureRequest, told: Told, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """A model server; the environment that leads to it."""
    folder = tmp_path_factory.mktemp("model")
    calls = [{"name": "find_companies", "arguments": ARGUMENTS}]
    if request.param == "faults":
        with scripted(folder, [{"calls": calls}, {"says": told.answer, "between_s": 0.03}]) as found:
            yield found
        return
    one = next(iter(told.companies))
    fixtures = [
        {"match": {"toolResultContains": one}, "response": {"content": told.answer}, "latency": 10},
        {"match": {"userMessage": QUESTION}, "response": {"toolCalls": calls}},
    ]
    with aimock(folder, fixtures, port=free_port()) as found:
        yield found


@pytest.fixture(scope="module")
def served(home: Home, server: Server, env: dict[str, str]) -> Iterator[Server]:
    """A server on the shared home that asks that model."""
    with running(home, "demo", **env) as started:
        started.cookies = server.cookies
        yield started


def check_events(events: Sequence[Mapping[str, Any]], told: Told) -> None:
    """Check that a model was asked twice, its call found the right rows, and its answer came in pieces."""
    calls = [e["data"] for e in events if e["type"] == "tool_call"]
    assert [(c["name"], c["arguments"]) for c in calls] == [("find_companies", ARGUMENTS)]
    result = next(e["data"]["result"] for e in events if e["type"] == "tool_result")
    assert {record["id"] for record in result["records"]} == set(told.companies)
    pieces = [e["data"]["text"] for e in events if e["type"] == "token"]
    assert "".join(pieces) == told.answer
    assert len(pieces) > 5
    assert [e["data"]["model"] for e in events if e["type"] == "usage"] == [f"compatible/{MODEL}"] * 2
    end = events[-1]
    assert (end["type"], end["data"]["status"], end["data"]["output"]) == ("complete", "succeeded", told.answer)
    assert end["data"]["usage"]["output_tokens"] > 0


def test_on_the_command_line(home: Home, env: dict[str, str], told: Told):
    check_events(home.json_lines("ask", QUESTION, **env), told)


def test_over_rest(served: Server, told: Told):
    with served.signed_in() as client:
        thread = client.post("/api/v1/threads", json={}).json()["id"]
        sent = client.post(f"/api/v1/threads/{thread}/messages", json={"text": QUESTION})
        assert sent.status_code == 202
        run = f"/api/v1/runs/{sent.json()['run_id']}"
        check_events(events(client.get(f"{run}/events").text), told)

        prompts = client.get(f"{run}/prompt").json()["data"]
    assert [prompt["model"] for prompt in prompts] == [f"compatible/{MODEL}"] * 2
    assert "find_companies" in json.dumps(prompts[0]["tools"])
    assert all(company_id in json.dumps(prompts[1]["messages"]) for company_id in told.companies)


def events(frames: str) -> list[dict[str, Any]]:
    """Read the frames of an event stream."""
    found: list[dict[str, Any]] = []
    for frame in frames.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in frame.split("\n"))
        found.append({"type": lines["event"], "data": json.loads(lines["data"])})
    return found


@pytest.mark.asyncio(loop_scope="session")
async def test_in_the_browser(chromium: Browser, served: Server, told: Told):
    async with window(chromium, served.address, cookies=served.cookies) as chat:
        page = chat.page
        await chat.go("/chat")
        await expect(page.locator(".pill", has_text=MODEL)).to_be_visible()
        await expect(page.locator(".pill.offline")).to_have_count(0)
        await page.evaluate(WATCH)
        await chat.ask(QUESTION)
        await chat.answered()

        await expect(page.locator(".composer select")).to_have_count(0)  # a conversation keeps its model
        await expect(page.locator(".tool .name")).to_have_text("find_companies")
        await expect(page.locator(".tool .line")).to_contain_text("created_at within last_7_days")
        assert await table(page) == list(told.companies.items())
        assert len(await page.evaluate("grown")) >= 5
        await expect(page.locator(".end")).to_contain_text(MODEL)
        await page.reload()
        await expect(page.locator(".pill", has_text=MODEL)).to_be_visible()
        await expect(page.locator(".pill.offline")).to_have_count(0)
        assert await table(page) == list(told.companies.items())


async def table(page: Page) -> list[tuple[str, str]]:
    """Read the answer's links: id and text."""
    found: list[list[str]] = await page.locator(".answer > .md tbody a").evaluate_all(
        "links => links.map(link => [link.getAttribute('href').split('/').pop(), link.textContent])"
    )
    return [(company_id, name) for company_id, name in found]


# Notes how long the answer's text is, each time it has grown before one's eyes.
WATCH = """() => {
    window.grown = [];
    new MutationObserver(() => {
        const { length } = [...document.querySelectorAll(".answer > .md")].map(md => md.textContent).join("").trim();
        if (length > (grown.at(-1) ?? 0)) grown.push(length);
    }).observe(document.querySelector(".turns"), { childList: true, subtree: true, characterData: true });
}"""
