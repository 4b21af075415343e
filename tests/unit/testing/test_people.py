"""People for tests are the same whenever they are made."""

from ccfpy.testing.configuration import Person


def test_a_name_decides_the_keys() -> None:
    assert Person.make("amy").id == Person.make("amy").id
    assert Person.make("amy").id != Person.make("bob").id


def test_only_who_can_recover_has_a_key_for_shares() -> None:
    assert Person.make("amy").founding().encryption_public_key is None
    founder = Person.make("amy", can_recover=True).founding()
    assert founder.encryption_public_key is not None
    assert b"PUBLIC KEY" in founder.encryption_public_key
