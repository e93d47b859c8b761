"""Apps: planned and applied whole or not at all; nobody gets more by them, and what is others' stays others'."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from metier.access import ROLE
from metier.actor import Action
from metier.agents import AGENT
from metier.definitions.apps import APP, Bundle, Plan, Trust, read_folder, read_uploaded
from metier.errors import BadManifest, Conflict, Invalid, MetierError, MissingPermission, NotFound
from metier.testing import House, Script

FLEET = Path(__file__).parents[2] / "examples" / "fleet"

MANIFEST = 'name = "shop"\nversion = "1.0.0"\nrole = "shop-app"\n'
ITEM = 'name = "item"\n\n[[fields]]\nname = "name"\ntype = "text"\n'
SHOP_ROLE = 'name = "shop-app"\nflags = ["AI"]\n\n[objects]\nitem = ["read"]\n'
CLERK = 'name = "clerk"\nprompt = "You sell."\ntoolsets = ["records"]\n'
SHOP = {
    "metier.toml": MANIFEST,
    "objects/item.toml": ITEM,
    "roles/shop-app.toml": SHOP_ROLE,
    "agents/clerk.toml": CLERK,
}


def shop(house: House, **changed: str) -> Bundle:
    """Give the app `shop` with some files changed, by their names without folder and ending."""
    own = {Path(path).stem.replace("-", "_"): path for path in SHOP}
    files = SHOP | {own[name]: text for name, text in changed.items()}
    return read_uploaded({path: text for path, text in files.items() if text}, house.metier.apps.kinds)


async def apply(house: House, app: Bundle, **more: Any) -> Plan:
    return await house.metier.apps.apply(more.pop("actor", house.actor), app, **more)


def told(plan: Plan) -> list[str]:
    return [f"{step.what} {step.kind}/{step.name}" for step in plan.steps]


async def live(house: House) -> dict[str, list[str]]:
    """Give all definitions that are in sight, by kind."""
    kinds = ("object", ROLE, AGENT, APP)
    return {kind: [d.name for d in await house.metier.definitions.listed(house.actor, kind)] for kind in kinds}


# --- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flags",
    [
        ("DATA_MODEL", "ROLES", "AI_SETTINGS", "AI"),
        ("APPLICATIONS", "ROLES", "AI_SETTINGS", "AI"),
        ("APPLICATIONS", "DATA_MODEL", "AI_SETTINGS", "AI"),
        ("APPLICATIONS", "DATA_MODEL", "ROLES", "AI"),
        ("APPLICATIONS", "DATA_MODEL", "ROLES", "AI_SETTINGS"),  # the role would hold AI, which they do not
    ],
)
async def test_whoever_lacks_a_flag_that_a_part_needs_applies_nothing(house: House, flags: tuple[str, ...]):
    somebody = await house.member(flags=flags)
    before = await live(house)

    for attempt in (house.metier.apps.plan(somebody, shop(house)), apply(house, shop(house), actor=somebody)):
        with pytest.raises(MissingPermission):
            await attempt

    assert await live(house) == before


async def test_nobody_reads_or_removes_apps_without_the_flag(house: House):
    await apply(house, shop(house))
    somebody = await house.member(flags=["AI", "DATA_MODEL", "ROLES", "AI_SETTINGS"])

    apps = house.metier.apps
    for attempt in (apps.listed(somebody), apps.get(somebody, "shop"), apps.remove(somebody, "shop")):
        with pytest.raises(MissingPermission):
            await attempt


async def test_an_app_is_changed_by_no_other_way_than_as_a_whole(house: House):
    await apply(house, shop(house))
    definitions = house.metier.definitions

    for attempt in (
        definitions.publish(house.actor, APP, {"name": "shop", "version": "2.0.0"}),
        definitions.publish(house.actor, APP, {"name": "mine", "version": "1.0.0"}),
        definitions.archive(house.actor, APP, "shop"),
        definitions.amend(house.actor, APP, "shop", {"role": None}),
    ):
        with pytest.raises(Conflict, match="as a whole"):
            await attempt


async def test_the_application_role_limits_the_agents_of_the_app(sample_house: House):
    """S-02: the asker may read companies, the app may not."""
    house = sample_house
    await apply(house, shop(house))

    events = await house.ask(
        "Who?", agent="clerk", model=Script().calls("find_companies").calls("find_items").then_says("Done.")
    )

    assert [one.data["success"] for one in events.all("tool_result")] == [False, True]
    clerk = await house.metier.agents.get(house.actor.workspace_id, "clerk")
    acting = await house.metier.agents.acting(house.actor, "clerk")
    assert await house.metier.agents.limited_by(house.actor.workspace_id, clerk) == ["shop-app"]
    assert (acting.may(Action.READ, "item"), acting.may(Action.READ, "company")) == (True, False)


async def test_an_agent_brought_back_alone_is_limited_still(house: House):
    await apply(house, shop(house))
    await house.metier.apps.remove(house.actor, "shop")
    await house.metier.definitions.restore(house.actor, AGENT, "clerk")

    with pytest.raises(Conflict, match="shop-app"):
        await house.metier.agents.acting(house.actor, "clerk")
    await house.metier.definitions.restore(house.actor, ROLE, "shop-app")
    acting = await house.metier.agents.acting(house.actor, "clerk")
    assert not acting.may(Action.READ, "company")


async def test_the_role_that_limits_an_app_stays(house: House):
    await apply(house, shop(house))

    for attempt in (
        house.metier.definitions.archive(house.actor, ROLE, "shop-app"),
        house.metier.access.update_role(house.actor, "shop-app", can_be_assigned_to=["users"]),
    ):
        with pytest.raises(Conflict, match="'shop'"):
            await attempt


# --- whole or not at all ---------------------------------------------------------------------------------------------


async def test_the_example_is_planned_applied_and_the_second_time_changes_nothing(house: House):
    apps, trust = house.metier.apps, house.metier.trust
    before = await live(house)
    fleet = read_folder(FLEET, apps.kinds, trust)

    plan = await apps.plan(house.actor, fleet)
    assert await live(house) == before
    done = await apply(house, fleet)
    again = await apply(house, fleet)

    assert told(plan) == told(done)
    assert sorted(told(done)) == ["change object/company", "create agent/harbour-master", "create app/fleet",
        "create object/ship", "create role/fleet-app"]  # fmt: skip
    assert again.steps == []
    assert "home_port" in (await house.metier.records.object(house.actor, "company")).by_name
    view = await apps.get(house.actor, "fleet")
    assert {(kind, name) for kind, name, _, _ in view.parts} == {
        ("object", "ship"), ("role", "fleet-app"), ("agent", "harbour-master")
    }  # fmt: skip
    newest = (await house.metier.definitions.history(house.actor, "object", "ship"))[0]
    assert newest.origin == "app fleet 1.0.0"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"item": ITEM.replace('"text"', '"txt"')}, "objects/item.toml:5:1"),
        ({"item": ITEM + '\n[[fields]]\nname = "of"\ntype = "relation"\ntarget = "nothing"\n'}, "objects/item.toml"),
        ({"shop_app": SHOP_ROLE.replace("item =", "itm =")}, "roles/shop-app.toml:5:1"),
        ({"clerk": CLERK + 'role = "nobody"\n'}, "agents/clerk.toml:4:1"),
        ({"clerk": CLERK.replace("records", "record")}, "agents/clerk.toml:3:1"),
        ({"metier": MANIFEST.replace("shop-app", "shop-ap")}, "metier.toml:3:1"),
        ({"shop_app": SHOP_ROLE + "[fields]\nitem = { price = [] }\n"}, "roles/shop-app.toml"),
    ],
)
async def test_one_wrong_part_is_told_at_its_line_and_nothing_is_applied(
    house: House, changed: dict[str, str], words: str
):
    before = await live(house)

    with pytest.raises(Invalid) as wrong:
        await apply(house, shop(house, **changed))

    assert words in f"{wrong.value} {[problem.path for problem in wrong.value.problems]}"
    assert await live(house) == before


async def test_a_change_that_needs_consent_undoes_the_whole(house: House):
    """What only the tables can tell comes last, and takes all before it back."""
    await apply(house, shop(house))
    await house.metier.records.insert(house.actor, "item", [{"name": "A"}])
    longer = ITEM + '\n[[fields]]\nname = "size"\ntype = "text"\n'
    await apply(house, shop(house, item=longer, metier=MANIFEST.replace("1.0.0", "1.1.0")))
    number = longer.replace('"size"\ntype = "text"', '"size"\ntype = "number"')

    with pytest.raises(Conflict, match="convert"):
        await apply(house, shop(house, item=number, clerk=CLERK.replace("sell", "buy"), metier=MANIFEST))

    assert (await house.metier.agents.get(house.actor.workspace_id, "clerk")).prompt == "You sell."
    assert (await house.metier.definitions.get(house.actor, APP, "shop")).body["version"] == "1.1.0"  # type: ignore[index]
    done = await apply(house, shop(house, item=number), accept=["convert:size"])
    assert "change object/item" in told(done)


async def test_two_who_apply_at_once_apply_once(house: House):
    done = await asyncio.gather(*(apply(house, shop(house)) for _ in range(3)))

    assert sorted(len(plan.steps) for plan in done) == [0, 0, 4]
    assert [v.version for v in await house.metier.definitions.history(house.actor, AGENT, "clerk")] == [1]


async def test_what_an_app_brings_no_more_is_archived(house: House):
    await apply(house, shop(house))

    done = await apply(house, shop(house, clerk=""))

    assert told(done) == ["archive agent/clerk"]
    assert await house.metier.agents.find(house.actor.workspace_id, "clerk") is None


async def test_removing_archives_and_applying_brings_back_with_the_records(house: House):
    await apply(house, shop(house))
    await house.metier.records.insert(house.actor, "item", [{"name": "Anchor"}])

    gone = await house.metier.apps.remove(house.actor, "shop")
    with pytest.raises(Conflict, match="removed already"):
        await house.metier.apps.remove(house.actor, "shop")
    with pytest.raises(NotFound):
        await house.metier.apps.remove(house.actor, "shp")
    archived = await house.metier.apps.listed(house.actor, archived=True)
    back = await apply(house, shop(house, clerk=CLERK.replace("sell", "buy")))

    assert sorted(told(gone)) == [
        "archive agent/clerk",
        "archive app/shop",
        "archive object/item",
        "archive role/shop-app",
    ]
    assert [one.name for one in archived] == ["shop"]
    assert "restore object/item" in told(back)
    assert "change agent/clerk" in told(back)
    assert (await house.metier.records.find(house.actor, "item")).records[0]["name"] == "Anchor"


async def test_an_app_whose_role_is_held_is_not_removed(house: House):
    role = SHOP_ROLE.replace('flags = ["AI"]', 'flags = ["AI"]\ncan_be_assigned_to = ["users", "agents"]')
    await apply(house, shop(house, shop_app=role))
    await house.metier.access.create_member(house.actor.workspace_id, name="Bo", role="shop-app")

    with pytest.raises(Conflict, match="held: 1 members"):
        await house.metier.apps.remove(house.actor, "shop")

    assert "clerk" in (await live(house))[AGENT]


# --- what is others' -------------------------------------------------------------------------------------------------


async def test_what_is_somebodys_is_taken_over_only_when_that_is_said(house: House):
    await house.metier.definitions.publish(house.actor, AGENT, {"name": "clerk", "prompt": "Mine."})

    with pytest.raises(Conflict) as refused:
        await apply(house, shop(house))
    assert (await house.metier.agents.get(house.actor.workspace_id, "clerk")).prompt == "Mine."
    done = await apply(house, shop(house), accept=["adopt:agent/clerk"])

    assert "--adopt agent/clerk" in str(refused.value)
    assert refused.value.problems[0].path == "agents/clerk.toml"
    assert {"adopt agent/clerk", "change agent/clerk"} <= set(told(done))
    assert (await apply(house, shop(house))).steps == []


async def test_what_is_another_apps_is_never_taken(house: House):
    await apply(house, shop(house))
    other = read_uploaded(SHOP | {"metier.toml": MANIFEST.replace('"shop"', '"rival"')}, house.metier.apps.kinds)

    with pytest.raises(Conflict) as refused:
        await apply(house, other, accept=["adopt:agent/clerk", "overwrite:agent/clerk"])

    assert len(refused.value.problems) == 3
    assert "belongs to the app 'shop'" in str(refused.value)


async def test_what_somebody_changed_is_gone_over_only_when_that_is_said(house: House):
    await apply(house, shop(house))
    await house.metier.definitions.amend(house.actor, AGENT, "clerk", {"prompt": "Be kind."})

    with pytest.raises(Conflict, match="--overwrite agent/clerk"):
        await apply(house, shop(house))
    taken = await apply(house, shop(house, clerk=CLERK.replace("You sell.", "Be kind.")))
    await house.metier.definitions.amend(house.actor, AGENT, "clerk", {"prompt": "Be rude."})
    over = await apply(house, shop(house), accept=["overwrite:agent/clerk"])

    assert told(taken) in ([], ["change agent/clerk"])
    assert told(over) == ["change agent/clerk"]


async def test_fields_added_to_others_follow_new_names_and_go_with_the_app(house: House):
    kinds, records = house.metier.apps.kinds, house.metier.records
    field = 'object = "company"\n\n[[fields]]\nname = "port"\ntype = "text"\n'
    app = {"metier.toml": 'name = "ports"\nversion = "1"\n', "fields/company.toml": field}

    with pytest.raises(Conflict, match=r"fields/company\.name is there already"):
        await apply(house, read_uploaded(app | {"fields/company.toml": field.replace('"port"', '"name"')}, kinds))
    with pytest.raises(BadManifest, match=r"fields/company.toml:5:1.*txt"):
        await apply(house, read_uploaded(app | {"fields/company.toml": field.replace('"text"', '"txt"')}, kinds))
    with pytest.raises(BadManifest, match="did you mean 'company'"):
        await apply(house, read_uploaded(app | {"fields/company.toml": field.replace("company", "compny")}, kinds))
    await apply(house, read_uploaded(app, kinds))
    await house.metier.data_model.change_field(house.actor, "company", "port", {"label": "Harbour"})
    with pytest.raises(Conflict, match=r"--overwrite fields/company\.port"):
        await apply(house, read_uploaded(app, kinds))
    await house.metier.data_model.change_field(house.actor, "company", "port", {"name": "harbour"})
    await house.metier.apps.remove(house.actor, "ports")

    assert not {"port", "harbour"} & (await records.object(house.actor, "company")).by_name.keys()
    hidden = await house.metier.data_model.hidden_fields(house.actor, "company")
    assert [one.field.name for one in hidden] == ["harbour"]


# --- what it must say ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"metier.toml": None}, "metier.toml"),
        ({"metier.toml": "name = shop"}, "metier.toml"),
        ({"metier.toml": 'name = "shop"\nversion = 1\n'}, "metier.toml:2:1"),
        ({"metier.toml": MANIFEST + 'vresion = "1"\n'}, "metier.toml:4:1"),
        ({"metier.toml": MANIFEST + "added = {}\n"}, "metier.toml:4:1"),
        ({"metier.toml": 'name = "shop"\nversion = "1"\n'}, "names no role"),
        ({"roles/shop-app.toml": SHOP_ROLE.replace("AI", "VIEWS")}, "does not hold the flag AI"),
        ({"object/item.toml": ITEM}, "did you mean 'objects'"),
        ({"agents/again.json": '{"name": "Clerk", "prompt": "x"}'.replace("Clerk", "clerk")}, "as agents/"),
        ({"agents/clerk.json": "{"}, "agents/clerk.json:1"),
        ({"code.py": "import os"}, "files.code.py"),
        ({"../out.toml": ITEM}, "files.../out.toml"),
        ({"/etc/x.toml": ITEM}, "files./etc/x.toml"),
        ({"fields/company.toml": 'object = "company"\nfields = "x"\n'}, "fields/company.toml:2:1"),
    ],
)
def test_a_wrong_app_is_told_with_its_file_and_line(house_kinds: Any, files: dict[str, str | None], words: str):
    given = {path: text for path, text in {**SHOP, **files}.items() if text is not None}

    with pytest.raises(Invalid) as wrong:
        read_uploaded(given, house_kinds)

    assert words in f"{wrong.value} {[problem.path for problem in wrong.value.problems]}"


@pytest.fixture(scope="module")
def house_kinds() -> Any:
    """The kinds that apps bring, without a house."""
    from metier.access import RoleKind
    from metier.agents import AgentKind
    from metier.records import ObjectKind
    from metier.registry import Registry
    from metier.testing import FrozenClock

    clock: Any = FrozenClock()
    agents: Any = AgentKind(clock, Registry("agent"), ("records",), None)  # type: ignore[arg-type]
    return [ObjectKind(), RoleKind(clock), agents]


# --- code ------------------------------------------------------------------------------------------------------------

CODE = """
from metier import define_agent, define_application_role, define_field, define_object

item = define_object(name="item", fields=[define_field(name="name", type="text")])
limit = define_application_role(name="shop-app", objects={"item": ["read"]})
added = [define_field(object="company", name="shop_since", type="date")]
AGENTS = (
    define_agent(name="clerk", prompt="You sell.", toolsets=["records"]),
)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An app that is all code."""
    (tmp_path / "metier.toml").write_text('name = "shop"\nversion = "1.0.0"\n')
    (tmp_path / "shop.py").write_text(CODE)
    return tmp_path


def trusting(house: House, folder: Path) -> Trust:
    house.metier.trust.add(folder)
    return house.metier.trust


async def test_s20_code_of_a_folder_that_is_not_trusted_is_never_imported(house: House, folder: Path, tmp_path: Path):
    mark = tmp_path / "ran"
    (folder / "shop.py").write_text(f"open({str(mark)!r}, 'w')\n" + CODE)
    (folder / "sub").mkdir()
    (folder / "sub" / "metier.toml").write_text('name = "sub"\nversion = "1"\n')
    (folder / "sub" / "code.py").write_text(f"open({str(mark)!r}, 'w')\n")
    house.metier.trust.add(folder / "objects" if (folder / "objects").exists() else _made(folder / "objects"))

    for place in (folder, folder / "sub"):
        with pytest.raises(Conflict, match="is not a trusted folder") as refused:
            read_folder(place, house.metier.apps.kinds, house.metier.trust)
        assert f"metier app trust {place}" in str(refused.value.cure)

    assert not mark.exists()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


async def test_s20_trust_of_a_folder_ends_and_does_not_reach_into_others(house: House, folder: Path, tmp_path: Path):
    trust = trusting(house, folder)
    (tmp_path / "link").symlink_to(folder)

    assert trust.holds(tmp_path / "link")
    assert not trust.holds(folder.parent)
    assert (trust._file.stat().st_mode & 0o777) == 0o600
    (tmp_path / "link").unlink()
    trust.remove(folder)
    with pytest.raises(Conflict):
        read_folder(folder, house.metier.apps.kinds, trust)
    with pytest.raises(NotFound):
        trust.remove(folder)


async def test_a_folder_that_others_can_write_is_not_trusted(house: House, folder: Path):
    trust = trusting(house, folder)
    (folder / "shop.py").chmod(0o666)

    with pytest.raises(Conflict, match="can write into"):
        read_folder(folder, house.metier.apps.kinds, trust)
    folder.chmod(0o777)
    with pytest.raises(Conflict, match="can write into"):
        trust.add(folder)


async def test_code_of_a_trusted_folder_is_planned_applied_and_changes_nothing_again(house: House, folder: Path):
    app = read_folder(folder, house.metier.apps.kinds, trusting(house, folder))

    done = await apply(house, app)
    again = await apply(house, read_folder(folder, house.metier.apps.kinds, house.metier.trust))

    made = [f"create {one}" for one in ("agent/clerk", "app/shop", "object/item", "role/shop-app")]
    assert sorted(told(done)) == ["change object/company", *made]
    assert again.steps == []
    assert app.body["role"] == "shop-app"
    assert not list(folder.rglob("__pycache__"))
    acting = await house.metier.agents.acting(house.actor, "clerk")
    assert not acting.may(Action.READ, "company")


def test_modules_of_an_app_find_each_other_and_stay_apart(house_kinds: Any, folder: Path):
    (folder / "parts").mkdir()
    (folder / "parts" / "words.py").write_text('PROMPT = "You sell."\n')
    (folder / "shop.py").write_text(CODE.replace('prompt="You sell."', "prompt=PROMPT") + "from .shop import item\n")
    text = (folder / "shop.py").read_text()
    (folder / "shop.py").write_text("from .parts.words import PROMPT\n" + text)
    (folder / "more.py").write_text("from .shop import item, limit\n")

    app = read_folder(folder, house_kinds, Trust(folder / ".home", [folder]))

    assert [part.body["name"] for part in app.parts] == ["item", "shop-app", "clerk"]
    import sys

    assert not [name for name in sys.modules if name.startswith("metier_app")]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("x = (", "shop.py:1"),
        ("import nothing_of_the_kind", "shop.py:1: cannot be loaded: ModuleNotFoundError"),
        ("\n\n1 / 0", "shop.py:3: cannot be loaded: ZeroDivisionError"),
        ("raise SystemExit(7)", "shop.py:1: cannot be loaded: SystemExit"),
        (CODE.replace('type="text"', 'type="txt"'), "shop.py:4"),
        (CODE.replace('{"item": ["read"]}', '{"item": ["reed"]}'), "shop.py:5"),
        (CODE.replace('name="clerk"', 'name="Clerk 1"'), "shop.py:8"),
        (CODE.replace('prompt="You sell."', 'prompt="You sell.", limits=LIMITS').replace(
            "item =", "from metier import Limits\nLIMITS = Limits(max_steps=9999)\nitem ="), "shop.py"),
        (CODE + 'other = define_application_role(name="two")\n', "one application role"),
        (CODE + 'more = define_object(name="item", fields=[define_field(name="x", type="text")])\n', "as shop.py does"),
    ],
)  # fmt: skip
def test_a_slip_in_code_is_told_with_its_line(house_kinds: Any, folder: Path, code: str, words: str):
    (folder / "shop.py").write_text(code)

    with pytest.raises(BadManifest) as wrong:
        read_folder(folder, house_kinds, Trust(folder / ".home", [folder]))

    assert words in str(wrong.value)


def test_a_tool_of_its_own_is_no_part_of_an_app(house_kinds: Any, folder: Path):
    tool = (
        'from metier import tool\n\n@tool\nasync def price(ctx, sku: str) -> int:\n    """A price."""\n    return 1\n'
    )
    (folder / "shop.py").write_text(tool + CODE.replace('toolsets=["records"]', "tools=[price]"))

    with pytest.raises(BadManifest, match="tools: are code"):
        read_folder(folder, house_kinds, Trust(folder / ".home", [folder]))


async def test_a_role_that_code_names_wrong_is_told_at_its_line(house: House, folder: Path):
    (folder / "shop.py").write_text(CODE.replace('{"item": ["read"]}', '{"itm": ["read"]}'))
    app = read_folder(folder, house.metier.apps.kinds, trusting(house, folder))

    with pytest.raises(BadManifest, match=r"shop\.py:5:1"):
        await apply(house, app)


def test_links_and_what_is_too_much_are_refused(tmp_path: Path, house_kinds: Any):
    (tmp_path / "metier.toml").write_text('name = "shop"\nversion = "1"\n')
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / "passwd.toml").symlink_to("/etc/passwd")
    trust = Trust(tmp_path / "home", ())

    with pytest.raises(Invalid, match="links are not followed"):
        read_folder(tmp_path, house_kinds, trust)
    (tmp_path / "objects" / "passwd.toml").unlink()
    (tmp_path / "objects" / "big.json").write_bytes(b" " * 1_000_001)
    with pytest.raises(Invalid, match="too much"):
        read_folder(tmp_path, house_kinds, trust)
    with pytest.raises(MetierError, match=r"has no metier.toml"):
        read_folder(tmp_path / "objects", house_kinds, trust)
