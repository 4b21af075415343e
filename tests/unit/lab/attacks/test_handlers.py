"""Each bad handler of the app has an attack that asks for it."""

from tests.lab.attacks.app import app
from tests.lab.attacks.handlers import ATTACKS


def test_every_bad_handler_is_attacked() -> None:
    paths = app.openapi()["paths"]
    assert isinstance(paths, dict)
    hostile = {path.split("/")[3] for path in paths if "/hostile/" in path}
    names = {"errors" if name == "raise" else name for name in hostile}
    assert names == {attack.name for attack in ATTACKS}
