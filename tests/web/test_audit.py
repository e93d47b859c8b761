"""The audit log in the browser: for who may, filtered by its address, and walked."""

from metier.runs import Period, Scope
from tests.web.site import Site

URL = "/settings/audit"


async def test_neither_page_nor_way_to_it_is_for_who_may_not_see_it(anonymous: Site):
    await anonymous.sign_in(await anonymous.house.member(flags=["AI", "ROLES"]))

    assert (await anonymous.get(URL)).status_code == 403
    assert URL not in str(await anonymous.page("/settings/profile"))


async def test_what_was_done_is_listed_and_found_by_its_address(site: Site):
    metier, admin = site.house.metier, site.house.actor
    await metier.budgets.set(admin, scope=Scope.WORKSPACE, period=Period.DAY, tokens=5)

    page = await site.page(URL)
    found = await site.page(f"{URL}?action=budget&decision=done")
    nothing = await site.page(f"{URL}?decision=refused")

    assert page.select_one(f".tabs a[href='{URL}']")["aria-current"] == "page"
    [row] = found.select("tbody tr")
    assert [cell.get_text(" ", strip=True) for cell in row.select("td")][1:] == [
        "Admin",
        "budget.set The workspace, a day",
        "done",
        "",
    ]
    assert "No row of the log matches." in nothing.get_text()


async def test_older_rows_are_a_page_further(site: Site):
    for tokens in range(60):
        await site.house.metier.budgets.set(site.house.actor, scope=Scope.WORKSPACE, period=Period.DAY, tokens=tokens)

    first = await site.page(f"{URL}?action=budget")
    older = await site.page(first.select_one(".older a")["href"])

    assert (len(first.select("tbody tr")), len(older.select("tbody tr"))) == (50, 10)
    assert not older.select(".older")


async def test_the_chain_is_walked_and_a_break_is_named(site: Site):
    db = site.house.metier.db
    whole = await site.page(f"{URL}?verify=1")
    async with db.transaction() as transaction:
        await transaction.execute("alter table core.audit disable trigger all")
        await transaction.execute("update core.audit set target = 'x' where seq = 2")
        await transaction.execute("alter table core.audit enable trigger all")
    broken = await site.page(f"{URL}?verify=1")

    assert "The chain is whole" in whole.select_one(".notice.ok").get_text()
    assert "Row 2 of the chain is broken" in broken.select_one(".notice.bad").get_text()
