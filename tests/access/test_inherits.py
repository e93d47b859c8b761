"""Single actions of an object that follow what a role allows on all objects."""

from uuid import uuid4

import pytest

from metier.access.forms import changed
from metier.actor import Action, Role
from metier.errors import Invalid

READ, CREATE, UPDATE, DELETE = Action.READ, Action.CREATE, Action.UPDATE, Action.DELETE


def role(**form: object) -> Role:
    return changed(Role(uuid4(), "rep", "Rep"), form)


def test_an_inherited_action_follows_all_objects_and_others_stay():
    before = role(all_objects=["read"], objects={"deal": ["update"]}, inherits={"deal": ["read", "create"]})

    after = changed(before, {"all_objects": ["create", "delete"]})

    assert before.actions("deal") == {READ, UPDATE}
    assert after.actions("deal") == {CREATE, UPDATE}
    assert after.actions("bill") == {CREATE, DELETE}


def test_who_says_what_an_object_allows_says_it_anew():
    before = role(all_objects=["read"], objects={"deal": []}, inherits={"deal": ["read"]})

    assert changed(before, {"objects": {"deal": ["update"]}}).inherits == {}
    assert changed(before, {"object_permissions": [{"object": "deal", "canReadObjectRecords": False}]}).inherits == {}
    assert changed(before, {"label": "Other"}).inherits == {"deal": {READ}}


def test_an_object_that_inherits_all_is_named_no_more():
    found = role(all_objects=["read"], objects={"deal": []}, inherits={"deal": list(Action)})

    assert (found.objects, found.inherits) == ({}, {})


def test_it_is_stored_and_read_back():
    found = role(all_objects=["read"], objects={"deal": ["update"]}, inherits={"deal": ["read"]})

    assert Role.from_body(found.id, found.name, found.label, found.body()) == found
    assert found.body()["inherits"] == {"deal": ["read"]}


def test_a_slip_is_told_at_its_place():
    with pytest.raises(Invalid) as refused:
        role(inherits={"deal": ["look"]})

    assert refused.value.problems[0].path == "inherits.deal"
