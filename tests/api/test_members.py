"""Members and invitations over REST."""

import pytest

from metier.testing import House

BO = {"name": "Bo Li", "password": "a long password", "time_zone": "Asia/Tokyo"}


async def test_a_key_without_the_flag_manages_nobody(anonymous, sample_house: House):
    access = sample_house.metier.access
    made = await access.create_key(sample_house.actor, role="member", name="m")
    anonymous.headers["Authorization"] = f"Bearer {made.token}"
    (someone, *_) = await access.members(sample_house.actor)
    invitation = await access.invite(sample_house.actor, email="bo@acme.test", role="member")

    for method, path, body in [
        ("GET", "/members", None),
        ("POST", "/members", {"email": "x@acme.test", "role": "member"}),
        ("GET", f"/members/{someone.id}", None),
        ("PATCH", f"/members/{someone.id}", {"active": False}),
        ("POST", f"/members/{someone.id}/invitation", None),
        ("GET", "/invitations", None),
        ("POST", "/invitations", {"email": "x@acme.test", "role": "member"}),
        ("DELETE", f"/invitations/{invitation.id}", None),
    ]:
        answer = await anonymous.request(method, f"/api/v1{path}", json=body)
        assert answer.status_code == 403, (method, path, answer.text)
        assert "WORKSPACE_MEMBERS" in answer.json()["message"]


async def test_somebody_is_invited_and_joins_without_a_credential(client, anonymous):
    made = (await client.post("/api/v1/invitations", json={"email": "bo@acme.test", "role": "member"})).json()
    listed = (await client.get("/api/v1/invitations")).json()["data"]
    key = anonymous.headers.pop("Authorization")
    joined = await anonymous.post("/api/v1/invitations/accept", json={"token": made["token"]} | BO)
    again = await anonymous.post("/api/v1/invitations/accept", json={"token": made["token"]} | BO)
    anonymous.headers["Authorization"] = key
    member = (await client.get(f"/api/v1/members/{joined.json()['member_id']}")).json()

    assert made["url"] == f"http://metier.test/invite/{made['token']}"
    assert [one["email"] for one in listed] == ["bo@acme.test"]
    assert made["token"] not in str(listed)
    assert (joined.status_code, again.status_code) == (201, 401)
    assert (member["name"], member["role"], member["active"], member["time_zone"]) == (
        "Bo Li",
        "member",
        True,
        "Asia/Tokyo",
    )


async def test_what_is_wrong_while_joining_is_named_whole(client):
    made = (await client.post("/api/v1/invitations", json={"email": "bo@acme.test", "role": "member"})).json()

    answer = await client.post(
        "/api/v1/invitations/accept",
        json={"token": made["token"], "name": "", "password": "x", "time_zone": "Mars", "locale": "?"},
    )

    assert answer.status_code == 422
    assert [problem["path"] for problem in answer.json()["errors"]] == ["name", "password", "time_zone", "locale"]


async def test_a_member_is_added_changed_shut_out_and_let_in_again(client):
    added = (await client.post("/api/v1/members", json={"email": "bo@acme.test", "role": "member"})).json()
    url = f"/api/v1/members/{added['member']['id']}"
    admin = await client.patch(url, json={"role": "admin"})
    out = await client.patch(url, json={"active": False})
    back = await client.patch(url, json={"active": True, "role": "member"})
    link = await client.post(f"{url}/invitation")

    assert (added["member"]["name"], added["member"]["has_password"]) == ("Bo", False)
    assert added["invitation"]["url"].startswith("http://metier.test/invite/mi_")
    assert (admin.json()["role"], out.json()["active"]) == ("admin", False)
    assert (back.json()["role"], back.json()["active"]) == ("member", True)
    assert link.status_code == 201


@pytest.mark.parametrize(
    ("body", "status"),
    [({"role": "nobody"}, 404), ({"active": "no"}, 422), ({"active": 0}, 422), ({"name": "X"}, 422), ([], 422)],
)
async def test_a_slip_changes_nobody(client, body: object, status: int):
    (someone, *_) = (await client.get("/api/v1/members")).json()["data"]

    answer = await client.patch(f"/api/v1/members/{someone['id']}", json=body)

    assert answer.status_code == status
    assert (await client.get(f"/api/v1/members/{someone['id']}")).json() == someone


async def test_a_withdrawn_invitation_lets_nobody_in(client):
    made = (await client.post("/api/v1/invitations", json={"email": "bo@acme.test", "role": "member"})).json()

    assert (await client.delete(f"/api/v1/invitations/{made['id']}")).status_code == 204
    answer = await client.post("/api/v1/invitations/accept", json={"token": made["token"]} | BO)

    assert answer.status_code == 401
