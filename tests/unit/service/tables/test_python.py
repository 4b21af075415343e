"""Members' decisions on an application's Python code."""

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.service.tables.python import RUNTIME_OPTIONS, PythonRuntimeOptions


def test_what_is_not_said_is_as_before() -> None:
    assert RUNTIME_OPTIONS.codec.decode(b"{}") == PythonRuntimeOptions()
    said = RUNTIME_OPTIONS.codec.decode(b'{"max_execution_time_ms":3}')
    assert said == PythonRuntimeOptions(max_execution_time_ms=3)
    assert RUNTIME_OPTIONS.codec.decode(RUNTIME_OPTIONS.codec.encode(said)) == said


@pytest.mark.parametrize(
    "text", [b'{"max_memory_bytes":-1}', b'{"log_exception_details":1}', b"[]"]
)
def test_what_is_wrong_is_refused(text: bytes) -> None:
    with pytest.raises(Malformed):
        RUNTIME_OPTIONS.codec.decode(text)
