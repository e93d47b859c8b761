"""Why, over REST: about oneself, a member, a role; slips are told."""

import httpx2 as httpx

from metier.testing import House


async def test_s46_why_is_answered_for_a_role_a_member_and_oneself(client: httpx.AsyncClient, sample_house: House):
    await client.post(
        "/api/v1/roles",
        json={"name": "rep", "all_objects": ["read"], "rows": {"company": [{"where": {"name": "Nobody"}}]}},
    )
    company = (await client.get("/api/v1/records/company?limit=1")).json()["data"][0]["id"]
    url = f"/api/v1/access/why?object=companies&record_id={company}"

    as_role = (await client.get(f"{url}&role=rep")).json()
    myself = (await client.get(url)).json()
    flag = (await client.get("/api/v1/access/why?flag=AI&role=rep")).json()

    assert (as_role["allowed"], as_role["rule"], as_role["role"]) == (False, "row", "rep")
    assert as_role["where"] == {"name": "Nobody"}
    assert myself["allowed"]
    assert (flag["allowed"], flag["rule"]) == (False, "flag")


async def test_slips_are_told(client: httpx.AsyncClient):
    statuses = [
        (await client.get(f"/api/v1/access/why?{query}")).status_code
        for query in (
            "",
            "object=company&flag=AI",
            "object=company&role=member&member=a@b.c",
            "object=company&field=nme",
            "object=compny",
            "flag=IA",
            "object=company&role=membr",
            "object=company&member=nobody@x.io",
            "object=company&record_id=x",
            "object=company&action=look",
        )
    ]

    assert statuses == [422, 422, 422, 422, 404, 404, 404, 404, 404, 422]


async def test_an_agents_role_must_allow_it_too(anonymous: httpx.AsyncClient, sample_house: House):
    access, admin = sample_house.metier.access, sample_house.actor
    await access.create_role(admin, name="scout", all_objects=["read"], objects={"note": []})
    body = {"name": "scout", "prompt": "Look.", "role": "scout"}
    await sample_house.metier.definitions.publish(admin, "agent", body, create=True)
    key = await access.create_key(admin, role="admin", name="k")
    await access.create_role(admin, name="plain", all_objects=["read"])
    plain = await access.create_key(admin, role="plain", name="p")
    url = "/api/v1/access/why?object=note&agent=scout"

    found = (await anonymous.get(url, headers={"Authorization": f"Bearer {key.token}"})).json()
    company = (
        await anonymous.get(url.replace("note", "company"), headers={"Authorization": f"Bearer {key.token}"})
    ).json()
    refused = await anonymous.get(url, headers={"Authorization": f"Bearer {plain.token}"})
    unknown = await anonymous.get(f"{url}x", headers={"Authorization": f"Bearer {key.token}"})

    assert (found["allowed"], found["role"]) == (False, "scout")
    assert company["allowed"]
    assert (refused.status_code, unknown.status_code) == (403, 404)
