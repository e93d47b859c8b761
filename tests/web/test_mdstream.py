"""Markdown while it grows: the same HTML as of the whole, in linear time, and nothing dangerous in it."""

import time
from itertools import pairwise

import pytest
from bs4 import BeautifulSoup
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metier.web.mdstream import MdStream, render
from tests.scale import cases

LINES = [
    "# Title\n", "Some *words* here\n", "more words\n", "\n", "\n\n", "- a\n", "- b\n", "  - nested\n",
    "1. one\n", "2. two\n", "    indented\n", "> quoted\n", "lazy\n", "```py\n", "x = 1\n", "```\n",
    "---\n", "===\n", "a | b\n", "--|--:\n", "1 | 2\n", "|", "-", "2",
    ".", " ", "`", "```", "*", "[a](/o/company/1)", "[b]", "[b]: https://x.example\n",
    "![i](/files/1.png)", "<b>x</b>", "&amp;", "\r\n", "\r", "\t", "~~~\n", "\\\n",
    "  \n", "\u00e9\u2013\u2026", "+ c\n", "10) ten\n", "\u2028", "\f", "\x85",
]  # fmt: skip


def grown(text: str, cuts: list[int]) -> str:
    """Feed `text` in pieces, the clock going on enough for a parse after each, and put the blocks together."""
    stream, blocks, now = MdStream(), dict[int, str](), 0.0
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    for begin, end in pairwise(places):
        stream.put(text[begin:end])
        now += 10
        blocks |= {block.i: block.html for block in stream.changes(now)}
    blocks |= {block.i: block.html for block in stream.changes(now, final=True)}
    return "".join(blocks[i] for i in sorted(blocks))


@pytest.mark.proof
@settings(max_examples=cases(400), deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=25).map("".join), st.lists(st.integers(0, 500), max_size=40))
@example("1. a\n\n2. b\n", [7])
@example("[b]\n\nwords\n\n[b]: https://x.example\n", [5, 13])
@example("x\na|b\n-|-foo\n", [9])
@example("foo\n---\nbar", list(range(11)))
@example("- a\n\n---\nb", list(range(11)))
def test_pieces_give_the_html_of_the_whole(text: str, cuts: list[int]):
    assert grown(text, cuts) == "".join(render(text))


@pytest.mark.proof
@settings(max_examples=cases(200), deadline=None)
@given(st.text(max_size=200), st.lists(st.integers(0, 200), max_size=30))
def test_any_text_in_any_pieces_gives_the_html_of_the_whole(text: str, cuts: list[int]):
    assert grown(text, cuts) == "".join(render(text))


def test_a_finished_block_is_given_once():
    stream, given_blocks, now = MdStream(), list[int](), 0.0
    for word in ("One.\n\n", "Two", " words.", "\n\n", "Three", " and", " four."):
        stream.put(word)
        now += 1
        given_blocks += [block.i for block in stream.changes(now)]

    assert given_blocks.count(0) == 1
    assert given_blocks == sorted(given_blocks)


def test_of_a_link_that_is_still_being_written_only_the_words_show():
    stream, shown, now = MdStream(), list[str](), 0.0
    for piece in ("See [Acme", " Ltd](", "/o/company", "/1", ") now"):
        stream.put(piece)
        now += 1
        shown += [block.html for block in stream.changes(now)]

    assert shown == [
        "<p>See [Acme</p>\n",
        "<p>See Acme Ltd</p>\n",
        '<p>See <a href="/o/company/1">Acme Ltd</a> now</p>\n',
    ]


def test_the_open_block_is_rendered_at_most_15_times_a_second():
    stream, renders = MdStream(), 0
    for i in range(1000):  # one second of words
        stream.put("word ")
        renders += bool(stream.changes(10 + i / 1000))

    assert 10 <= renders <= 15


def test_words_that_were_held_back_are_due_soon():
    stream = MdStream()
    stream.put("a")
    stream.changes(10.0)
    stream.put("b")

    due = stream.due_in(10.0)

    assert due is not None
    assert 0 < due <= 1 / 15
    assert stream.changes(10.0) == []
    assert [block.html for block in stream.changes(10.0 + due)] == ["<p>ab</p>\n"]
    assert stream.due_in(11.0) is None


def test_a_new_owner_takes_words_back():
    stream = MdStream()
    stream.put("One.\n\nTwo.\n\nThree.")
    stream.changes(1.0)

    stream.cut(len("One.\n\nTw"))
    stream.put("ice.")

    assert [(block.i, block.html) for block in stream.changes(2.0)] == [(1, "<p>Twice.</p>\n"), (2, "")]


def _seconds_for(tokens: int, piece: str) -> float:
    stream, now = MdStream(), 0.0
    begin = time.process_time()
    for _ in range(tokens):
        stream.put(piece)
        now += 0.002  # 500 tokens a second
        stream.changes(now)
    stream.changes(now, final=True)
    return time.process_time() - begin


@pytest.mark.budget
@pytest.mark.parametrize(
    ("piece", "tokens"), [("word ", 20_000), ("some words.\n\n", 20_000), ("- item\n", 6_000), ("`a` *b*\n", 6_000)]
)
def test_time_is_linear_in_the_length(piece: str, tokens: int):
    """Quadratic time would be 16 times as much for 4 times the tokens."""
    short = min(_seconds_for(tokens // 4, piece) for _ in range(2))
    long = _seconds_for(tokens, piece)

    assert long < 8 * short + 0.5


# --- what it looks like ----------------------------------------------------------------------------------------------


def soup(text: str) -> BeautifulSoup:
    return BeautifulSoup("".join(render(text)), "html.parser")


def test_html_in_agent_text_stays_text():
    page = soup("<script>alert(1)</script> <img src=x onerror=alert(1)>\n\n<iframe src='//x'></iframe>")

    assert page.find(["script", "img", "iframe"]) is None
    assert "<script>alert(1)</script>" in page.get_text()


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java&#x0A;script:alert(1)",
        "vbscript:x",
        "data:text/html;base64,PHNjcmlwdD4=",
        "data:image/svg+xml;base64,PHN2Zz4=",
        "file:///etc/passwd",
        "//evil.example/x",
        "intent://x",
        "relative/path",
        "https://[bad",
    ],
)
def test_dangerous_or_unclear_addresses_are_no_links_and_no_images(url: str):
    page = soup(f"[a]({url}) ![b]({url}) <{url}>")

    assert [tag for tag in page.find_all(["a", "img"]) if tag.get("href") or tag.get("src")] == []


def test_foreign_links_show_their_host_and_carry_rel():
    page = soup("[our bank](https://user@evil.example/login)")
    link = page.find("a")

    assert link is not None
    assert link["rel"] == ["noopener", "nofollow"]
    assert page.select_one(".host").get_text() == "evil.example"


def test_a_link_that_says_another_address_shows_the_true_host():
    assert soup("[https://good.example](https://evil.example)").select_one(".host") is not None
    assert soup("<https://good.example/a>").select_one(".host") is None


def test_links_within_the_house_are_plain():
    assert str(soup("[Acme](/o/company/1?x=1&y=2)").a) == '<a href="/o/company/1?x=1&amp;y=2">Acme</a>'


def test_only_own_and_embedded_images_are_shown():
    page = soup(
        "![a](/files/a.png) ![b](data:image/png;base64,AAAA) ![c](https://evil.example/x.png?secret) ![d](/o/company/1)"
        " ![e](data:image/gif;base64,AAAA)"
    )

    assert [image["src"] for image in page.find_all("img")] == ["/files/a.png", "data:image/png;base64,AAAA"]
    assert "image not shown: evil.example" in page.get_text()


def test_an_embedded_image_is_not_a_link_target():
    link = soup("[open](data:image/png;base64,AAAA)").a

    assert link is not None
    assert not link.get("href")


def test_code_is_coloured_by_classes_and_can_be_copied():
    page = soup('```python title="x"\nprint("<b>")\n```')

    assert page.select_one("pre.hl code .nb").get_text() == "print"
    assert page.select_one("button[data-copy]") is not None
    assert page.pre is not None
    assert page.pre.get_text() == 'print("<b>")\n'


def test_code_of_an_unknown_language_is_plain():
    page = soup("```<x>\n<b>1</b>\n```\n\n    indented <i>\n")

    assert [pre.get_text() for pre in page.find_all("pre")] == ["<b>1</b>\n", "indented <i>\n"]
    assert page.find(["b", "i", "span"]) is None


def test_nothing_needs_a_style_attribute():
    page = soup("a | b | c\n:-- | --: | :-:\n1 | 2 | 3")

    assert page.find(attrs={"style": True}) is None
    assert [cell.get("class") for cell in page.find_all("td")] == [None, ["right"], ["center"]]


def test_headings_lie_below_the_page_and_the_turn():
    assert [tag.name for tag in soup("# a\n\n## b\n\n###### c").find_all(True)] == ["h3", "h4", "h6"]
