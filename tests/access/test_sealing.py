"""S-32: authenticated encryption bound to workspace and name; the key in a file that only its owner may use."""

import os
import stat
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metier.access.sealing import GivenKeys, Key, KeyFile, key_id_of, seal, unseal
from metier.errors import Unavailable

KEY, OTHER = Key.of("a" * 32), Key.of("b" * 32)
HERE = ("workspace-1", "STRIPE_KEY")


@given(st.text(max_size=200), st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_what_is_sealed_opens_as_it_was(text: str, workspace: str, name: str):
    assert unseal([OTHER, KEY], seal(KEY, text, (workspace, name)), (workspace, name)) == text


def test_the_same_text_is_sealed_differently_each_time_and_shows_nowhere():
    sealed = [seal(KEY, "sk_live_12345678", HERE) for _ in range(50)]

    assert len(set(sealed)) == 50
    assert not [one for one in sealed if "sk_live" in one]


@pytest.mark.parametrize(
    "elsewhere", [("workspace-2", "STRIPE_KEY"), ("workspace-1", "OTHER_KEY"), ("workspace-1STRIPE_", "KEY"), ("", "")]
)
def test_a_sealed_text_opens_in_no_other_row(elsewhere: tuple[str, str]):
    with pytest.raises(Unavailable, match="was changed"):
        unseal([KEY], seal(KEY, "sk_live_12345678", HERE), elsewhere)


def test_no_changed_byte_opens():
    head, _, body = seal(KEY, "sk_live_12345678", HERE).rpartition(".")
    raw = b64decode(body)

    for at in range(len(raw)):
        spoilt = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        with pytest.raises(Unavailable, match="was changed"):
            unseal([KEY], f"{head}.{b64encode(spoilt).decode()}", HERE)
    for cut in (raw[:-1], raw[:12], b"", raw + b"x"):
        with pytest.raises(Unavailable, match="was changed"):
            unseal([KEY], f"{head}.{b64encode(cut).decode()}", HERE)


def test_a_key_that_is_not_here_is_named_without_telling_it():
    with pytest.raises(Unavailable, match=OTHER.id) as caught:
        unseal([KEY], seal(OTHER, "sk_live_12345678", HERE), HERE)

    assert "METIER_SECRET_KEY" in str(caught.value.cure)


def test_a_key_shows_itself_nowhere():
    assert KEY.raw.hex()[:16] not in repr(KEY) + KEY.id
    assert repr(KEY.raw) not in repr(KEY)


def test_the_first_of_the_given_keys_seals_and_all_open():
    ring = GivenKeys(["n" * 32, "o" * 32])

    assert key_id_of(seal(ring.current(), "text", HERE)) == Key.of("n" * 32).id
    assert [key.id for key in ring.known()] == [Key.of("n" * 32).id, Key.of("o" * 32).id]


# --- the file --------------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "secret.key"


def test_looking_makes_no_key(path: Path):
    assert KeyFile(path).known() == ()
    assert not path.exists()


def test_a_key_is_made_when_one_is_needed_for_its_owner_alone(path: Path):
    made = KeyFile(path).current()

    assert KeyFile(path).current() == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["secret.key"]


def test_all_who_come_first_at_once_get_the_same_key(path: Path):
    with ThreadPoolExecutor(8) as many:
        keys = list(many.map(lambda _: KeyFile(path).current(), range(40)))

    assert len({key.id for key in keys}) == 1


def test_a_change_of_the_file_holds_at_once_in_each_process(path: Path):
    here, there = KeyFile(path), KeyFile(path)
    old = here.current()

    new = there.add()

    assert (here.current(), list(here.known())) == (new, [new, old])
    there.keep_newest()
    assert list(here.known()) == [new]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_file_that_others_may_use_is_refused_with_the_cure(path: Path, mode: int):
    KeyFile(path).current()
    path.chmod(mode)

    with pytest.raises(Unavailable, match=f"{mode:04o}") as caught:
        KeyFile(path).current()

    assert caught.value.cure == f"chmod 600 '{path}'"


def test_a_link_to_another_file_is_refused(path: Path, tmp_path: Path):
    path.parent.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("x" * 44)
    elsewhere.chmod(0o600)
    path.symlink_to(elsewhere)

    with pytest.raises(Unavailable, match="cannot be read"):
        KeyFile(path).known()


def test_an_empty_file_is_told_and_not_filled(path: Path):
    path.parent.mkdir()
    os.close(os.open(path, os.O_CREAT, 0o600))

    with pytest.raises(Unavailable, match="no key"):
        KeyFile(path).current()
