"""The members and users of a service, as a test asks for them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TypeAlias

from ccfpy.base import json
from ccfpy.base.json import Json, JsonObject
from ccfpy.testing.people import Person

People: TypeAlias = int | Mapping[str, Json]
"""Their number, or by name the data that governance has of each."""
KEPT_MAX = 256
"""How many people's keys are kept while tests run: making a key takes long."""


def people(wanted: People, kind: str, *, can_recover: bool = False) -> list[Person]:
    """Make the people that are wanted; only the first of them holds a recovery share.

    Args:
        wanted: see ``People``.
        kind: the beginning of their names if only their number is given.
        can_recover: whether the first may hold a recovery share.
    """
    if isinstance(wanted, int):
        wanted = dict.fromkeys(f"{kind}{number}" for number in range(wanted))
    return [
        person(name, data, can_recover=can_recover and place == 0)
        for place, (name, data) in enumerate(wanted.items())
    ]


def person(name: str, data: Json = None, *, can_recover: bool = False) -> Person:
    """Make a person, with the data that governance has of the person."""
    made = _made(name, can_recover=can_recover)
    return made if data is None else replace(made, data=json.dumps(data))


@lru_cache(maxsize=KEPT_MAX)
def _made(name: str, *, can_recover: bool) -> Person:
    return Person.make(name, can_recover=can_recover)


def set_user(user: Person) -> JsonObject:
    """Return the action that adds a user."""
    arguments: JsonObject = {"cert": user.certificate.pem}
    if user.data is not None:
        arguments["user_data"] = json.loads(user.data)
    return {"name": "set_user", "args": arguments}


def open_to(users: Sequence[Person], certificate: str) -> list[JsonObject]:
    """Return the actions that open a service of this certificate for users."""
    opening: JsonObject = {
        "name": "transition_service_to_open",
        "args": {"next_service_identity": certificate},
    }
    return [*map(set_user, users), opening]
