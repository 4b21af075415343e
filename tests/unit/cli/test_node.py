from ccfpy.cli import main
from ccfpy.cli.node import PROGRAM


def test_what_is_measured_is_the_same_wherever_ccfpy_is_installed() -> None:
    assert str(PROGRAM) == main.__file__
