"""Commands get families of options, and Typer sees the options."""

import inspect
from pathlib import Path

from ccfpy.cli.options import with_options
from ccfpy.cli.place import SHARED_DEFAULT, PlaceOptions, TrustOptions
from ccfpy.cli.signing import DecrypterOptions, SignerOptions

PIN = Path("pin")


def test_options_replace_the_parameter_that_is_their_family() -> None:
    made = []

    @with_options
    def both(
        *, first: int = 1, member: SignerOptions, opener: DecrypterOptions
    ) -> None:
        made.append((first, member, opener))

    parameters = inspect.signature(both).parameters
    names = list(parameters)
    assert names[:2] == ["first", "who"]
    assert {"who", "key", "decrypt_key", "pin_file"} <= set(names)
    assert len(names) == len(set(names))
    defaults = {name: each.default for name, each in parameters.items()}
    both(**{**defaults, "who": "member1", "pin_file": PIN})
    assert made == [
        (1, SignerOptions(who="member1", pin_file=PIN), DecrypterOptions(pin_file=PIN))
    ]


def test_options_of_a_family_come_before_those_of_the_family_it_extends() -> None:
    made = []

    @with_options
    def ask(path: str, *, where: PlaceOptions, json: bool = False) -> None:
        made.append((path, where, json))

    assert list(inspect.signature(ask).parameters) == [
        *("path", "url", "common", "cacert", "json")
    ]
    ask(path="/", url="https://x:1", common=SHARED_DEFAULT, cacert=None, json=True)
    assert made == [("/", PlaceOptions(url="https://x:1"), True)]


def test_the_trusted_certificate_is_in_the_folder_unless_it_is_named() -> None:
    folder = Path("keys")
    assert TrustOptions(common=folder).certificate == folder / "service_cert.pem"
    assert TrustOptions(common=folder, cacert=PIN).certificate == PIN
