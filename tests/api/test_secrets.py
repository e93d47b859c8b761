"""Secrets over REST: write-only."""

import httpx2 as httpx
import pytest

from metier.testing import House

VALUE = "sk_live_51canary"
BODY = {"value": VALUE, "hosts": ["api.stripe.com"], "description": "Payments"}


async def test_a_secret_is_set_listed_changed_and_deleted(client: httpx.AsyncClient):
    made = await client.put("/api/v1/secrets/stripe-key", json=BODY)
    listed = await client.get("/api/v1/secrets")
    changed = await client.put("/api/v1/secrets/STRIPE_KEY", json={"description": "Refunds"})
    gone = await client.delete("/api/v1/secrets/STRIPE_KEY")

    assert made.json() == listed.json()["data"][0]
    assert made.json() == {
        "name": "STRIPE_KEY",
        "description": "Payments",
        "hosts": ["api.stripe.com"],
        "created_at": "2026-11-21T09:00:00+00:00",
        "updated_at": "2026-11-21T09:00:00+00:00",
        "used_at": None,
    }
    assert changed.json()["description"] == "Refunds"
    assert gone.status_code == 204
    assert (await client.get("/api/v1/secrets")).json() == {"data": []}
    assert VALUE not in "".join(answer.text for answer in (made, listed, changed))


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({**BODY, "value": "short"}, "value"),
        ({**BODY, "hosts": ["*"]}, "hosts"),
        ({"hosts": ["a.example"]}, "value"),
        ({**BODY, "value": [VALUE]}, "value"),
        ({**BODY, "colour": VALUE}, "colour"),
        ({**BODY, "value": VALUE * 1000}, "value"),
    ],
)
async def test_a_slip_names_its_place_and_not_the_value(client: httpx.AsyncClient, body: dict, path: str):
    answer = await client.put("/api/v1/secrets/A_KEY", json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == path
    assert VALUE not in answer.text
    assert (await client.get("/api/v1/secrets")).json() == {"data": []}


async def test_who_lacks_the_flag_is_told_so(client: httpx.AsyncClient, sample_house: House):
    key = await sample_house.metier.access.create_key(sample_house.actor, role="member", name="m")
    await client.put("/api/v1/secrets/A_KEY", json=BODY)
    client.headers["Authorization"] = f"Bearer {key.token}"

    answers = [
        await client.get("/api/v1/secrets"),
        await client.put("/api/v1/secrets/B_KEY", json=BODY),
        await client.delete("/api/v1/secrets/A_KEY"),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert "API_KEYS_AND_WEBHOOKS" in answers[0].json()["message"]
    assert [secret.name for secret in await sample_house.metier.secrets.secrets(sample_house.actor)] == ["A_KEY"]
