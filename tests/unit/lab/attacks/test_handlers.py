"""Each bad handler of the app has an attack that asks for it."""

from tests.lab.attacks import handlers, slow_calls
from tests.lab.attacks.app import app

OTHER_NAMES = {"raise": "errors", "wait": "crowd"}


def test_every_bad_handler_is_attacked() -> None:
    paths = app.openapi()["paths"]
    assert isinstance(paths, dict)
    hostile = {path.split("/")[3] for path in paths if "/hostile/" in path}
    names = {OTHER_NAMES.get(name, name) for name in hostile}
    attacks = (*handlers.ATTACKS, *slow_calls.ATTACKS)
    assert names <= {attack.name for attack in attacks}
