"""All pages: links lead somewhere, shown commands can be read, the index is whole, and code names no missing page."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, GUIDES, REFERENCE, ROOT, commands, sections
from tests.docs.shell import check

README = ROOT / "README.md"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "CONTRIBUTING.md", ROOT / "ARCHITECTURE.md"])


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_link_leads_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        aim = (page.parent / file).resolve() if file else page
        assert aim.exists(), target
        if anchor:
            assert anchor in _anchors(aim), target


def _anchors(page: Path) -> set[str]:
    """Give the places of a page, named as GitHub names them."""
    titles = [title for level in (1, 2, 3) for title in sections(page.read_text(), level)]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", [README, *PAGES], ids=name_of)
def test_each_command_can_be_read_by_its_program(page: Path):
    for command in commands(page.read_text()):
        check(command.line)


@pytest.mark.parametrize(
    "line",
    [
        "metier asks me",
        "metier ask --agnet clerk hello",
        "metier keys create --role member",
        "metier records list company --limit many",
        "METIER_PROT=1 metier serve",
        "make dmeo",
        "curl http://127.0.0.1:8700/api/v1/recods/company",
        "unheard-of --help",
    ],
)
def test_a_wrong_command_is_found(line: str):
    with pytest.raises(Exception):  # noqa: B017 - some are the parser's own
        check(line)


def test_the_index_has_each_page_and_no_other():
    index = (REFERENCE / "README.md").read_text()

    listed = {(REFERENCE / target).resolve() for target in re.findall(r"\]\(([^)#\s]+)\)", index)}
    assert listed == {*REFERENCE.glob("*.md"), *GUIDES.glob("*.md")} - {REFERENCE / "README.md"}


def test_each_page_that_the_code_names_exists():
    for source in (ROOT / "src").rglob("*.py"):
        for page in re.findall(r"\bdocs/[\w/.-]+\.md\b", source.read_text()):
            assert (ROOT / page).exists(), f"{source.name} names {page}"
