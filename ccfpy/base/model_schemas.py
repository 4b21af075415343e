"""Models of other libraries, each read, written and described by its own library.

A library is imported only if an application declares a model of it; the application
has imported it before. The marks of a model are attributes that both libraries document
or keep for other libraries.
"""

from dataclasses import is_dataclass

from ccfpy.base.components import Schema

STRUCT = "__struct_fields__"
"""Of msgspec's structures."""
VALIDATOR = "__pydantic_validator__"
"""Of pydantic's models and dataclasses."""


def is_model(kind: object) -> bool:
    """Return whether a type is a dataclass, or a model of another library."""
    if not isinstance(kind, type):
        return False
    return is_dataclass(kind) or hasattr(kind, STRUCT) or hasattr(kind, VALIDATOR)


def model_schema(kind: type) -> Schema | None:
    """Return the schema of a model of another library; nothing for any other class.

    Raises:
        TypeError: the library has no schema for it.
    """
    if hasattr(kind, STRUCT):
        from ccfpy.base import msgspec_models  # noqa: PLC0415 - see above

        return msgspec_models.schema_of_struct(kind)
    if hasattr(kind, VALIDATOR):
        from ccfpy.base import pydantic_models  # noqa: PLC0415 - see above

        return pydantic_models.schema_of_model(kind)
    return None
