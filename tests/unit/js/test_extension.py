"""The classes a host function may throw."""

from ccfpy.js.extension import ErrorClass, internal_error, type_error


def test_a_throw_carries_its_class_and_its_text() -> None:
    assert (type_error("t").kind, type_error("t").message) == (ErrorClass.TYPE, "t")
    assert internal_error("i").kind is ErrorClass.INTERNAL
    assert str(internal_error("i")) == "i"
