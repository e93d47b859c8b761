"""Allowed hosts over REST."""

import httpx2 as httpx

from metier.testing import House


async def test_hosts_are_allowed_listed_and_removed(client: httpx.AsyncClient):
    made = await client.put("/api/v1/allowed-hosts/*.Example.com", json={"note": "Invoices"})
    listed = (await client.get("/api/v1/allowed-hosts")).json()
    gone = await client.delete("/api/v1/allowed-hosts/*.example.com")
    again = await client.delete("/api/v1/allowed-hosts/*.example.com")

    assert made.json() == listed["data"][0]
    assert made.json() == {"host": "*.example.com", "note": "Invoices", "created_at": "2026-11-21T09:00:00+00:00"}
    assert listed["operator"] == {"ports": [80, 443], "inner": []}
    assert (gone.status_code, again.status_code) == (204, 404)


async def test_slips_and_missing_flags_are_told(client: httpx.AsyncClient, sample_house: House):
    slips = [
        await client.put("/api/v1/allowed-hosts/*.com", json={}),
        await client.put("/api/v1/allowed-hosts/a.example", json={"note": "x" * 201}),
        await client.put("/api/v1/allowed-hosts/a.example", json={"colour": "red"}),
    ]
    key = await sample_house.metier.access.create_key(sample_house.actor, role="member", name="m")
    client.headers["Authorization"] = f"Bearer {key.token}"
    refused = [
        await client.get("/api/v1/allowed-hosts"),
        await client.put("/api/v1/allowed-hosts/a.example", json={}),
        await client.delete("/api/v1/allowed-hosts/a.example"),
    ]

    assert [(slip.status_code, slip.json()["errors"][0]["path"]) for slip in slips] == [
        (422, "host"),
        (422, "note"),
        (422, "colour"),
    ]
    assert [answer.status_code for answer in refused] == [403] * 3
    assert await sample_house.metier.hosts.hosts(sample_house.actor) == []
