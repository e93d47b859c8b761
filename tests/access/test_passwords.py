"""Passwords are argon2id with full strength unless a test says otherwise."""

from metier.access.passwords import STRONG, Passwords


async def test_a_hash_is_argon2id_at_full_strength():
    passwords = Passwords(STRONG)

    stored = await passwords.hash("correct horse")

    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await passwords.verify("correct horse", stored)
    assert not await passwords.verify("correct horsf", stored)


async def test_equal_passwords_have_different_hashes():
    passwords = Passwords(STRONG)

    assert await passwords.hash("correct horse") != await passwords.hash("correct horse")
