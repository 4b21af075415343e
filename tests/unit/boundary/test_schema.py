"""The boundary as text: every message, every field, every bound."""

from dataclasses import fields

import pytest

from ccfpy.base import limits
from ccfpy.boundary import schema, wire
from ccfpy.boundary.events import Tick
from ccfpy.boundary.schema import describe_boundary


def test_every_message_stands_there_with_its_fields() -> None:
    lines = describe_boundary().splitlines()
    for kinds in (wire.EVENT_KINDS, wire.EFFECT_KINDS):
        for number, kind in kinds.items():
            (line,) = (
                it for it in lines if it.startswith(f"{number} {kind.__name__}{{")
            )
            assert all(f"{field.name}: " in line for field in fields(kind))
    assert f"frame_bytes_max {limits.FRAME_BYTES_MAX}" in lines


def test_another_message_or_bound_is_another_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = [describe_boundary()]
    monkeypatch.setattr(limits, "FRAME_BYTES_MAX", 1)
    texts.append(describe_boundary())
    monkeypatch.setattr(schema, "EVENT_KINDS", {2: Tick})
    texts.append(describe_boundary())
    monkeypatch.setattr(schema, "EFFECT_KINDS", {2: Tick})
    texts.append(describe_boundary())
    assert len(set(texts)) == 4
