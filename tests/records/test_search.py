"""Search over titles: the nearest first, only what is visible."""

from tests.records.world import World


async def labels(world: World, text: str, **options: int) -> list[str]:
    return [hit.label for hit in await world.records.search(world.admin, text, **options)]


async def test_exact_before_beginning_before_inside(world: World):
    await world.insert("company", *({"name": name} for name in ("Big Acme", "Acme Corp", "ACME", "Lacmeton", "Zeta")))
    await world.insert("person", {"full": {"first_name": "Ana", "last_name": "Acmeson"}})

    assert await labels(world, "acme") == ["ACME", "Acme Corp", "Ana Acmeson", "Big Acme", "Lacmeton"]


async def test_words_may_stand_in_any_order(world: World):
    await world.insert("person", {"full": {"first_name": "Ada", "last_name": "Weiß"}}, {"full": {"first_name": "Ada"}})

    assert await labels(world, "weiß ada") == ["Ada Weiß"]
    assert await labels(world, "  ADA   w ") == ["Ada Weiß"]
    assert await labels(world, "ada") == ["Ada", "Ada Weiß"]


async def test_hits_name_object_and_id(world: World):
    member = await world.member("Sam Ito")
    (company,) = await world.insert("company", {"name": "Sam's"})

    hits = await world.records.search(world.admin, "sam")

    assert [(hit.object, hit.id, hit.label) for hit in hits] == [
        ("member", member, "Sam Ito"),
        ("company", company, "Sam's"),
    ]


async def test_the_limit_holds_over_all_objects(world: World):
    await world.insert("company", *({"name": f"a{i:02}"} for i in range(30)))
    await world.insert("deal", *({"name": f"a{i:02}"} for i in range(30)))

    assert await labels(world, "a", limit=3) == ["a00", "a00", "a01"]
    assert len(await labels(world, "a", limit=1000)) == 50
    assert len(await labels(world, "a", limit=-5)) == 1


async def test_strange_texts_find_what_they_say_or_nothing(world: World):
    await world.insert("company", {"name": "100%"}, {"name": "a_b"}, {"name": "it's"}, {})

    assert await labels(world, "%") == ["100%"]
    assert await labels(world, "_") == ["a_b"]
    assert await labels(world, "it's") == ["it's"]
    for text in ("", "   ", "\0", "\ud800", "x" * 10_000, "q " * 500, "'; drop table company; --", "%(w0)s"):
        assert await labels(world, text) == []


async def test_deleted_records_are_not_found(world: World):
    (company,) = await world.insert("company", {"name": "Acme"})
    await world.delete("company", company)

    assert await labels(world, "acme") == []
