"""Records have the schema names that CCF's documents have."""

from dataclasses import FrozenInstanceError

import pytest

from ccfpy.base.components import described
from ccfpy.base.schema import schema_of


@described("GetIt__Out")
class Thing:
    """A record."""

    size: int = 1


def test_a_record_is_frozen_and_called_as_it_is_described() -> None:
    thing = Thing(size=2)
    with pytest.raises(FrozenInstanceError):
        thing.size = 3  # type: ignore[misc]  # what is tested
    assert schema_of(Thing).schema == {"$ref": "#/components/schemas/GetIt__Out"}
    assert schema_of(Thing).read({"size": 2}) == thing
