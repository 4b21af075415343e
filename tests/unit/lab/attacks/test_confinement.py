"""The ways out that an app keeps are those that its attack looks for."""

from pathlib import Path

from tests.lab.attacks import opener
from tests.lab.attacks.confinement import ATTACKS, WAYS_OUT


def test_each_way_out_is_one_that_the_app_can_keep() -> None:
    source = Path(opener.__file__).read_text()
    assert WAYS_OUT == ("descriptor", "mapping")
    assert '!= "mapping"' in source
    assert [attack.name for attack in ATTACKS] == ["ways-out"]
