"""Models of other libraries are told apart without these libraries."""

import subprocess
import sys
from dataclasses import dataclass

import pytest
from msgspec import Struct
from pydantic import BaseModel

from ccfpy.base.model_schemas import is_model, model_schema


@dataclass
class Plain:
    text: str


class Structure(Struct):
    text: str


class Model(BaseModel):
    text: str


@pytest.mark.parametrize("kind", [Plain, Structure, Model])
def test_a_model_is_known_by_its_class(kind: type) -> None:
    assert is_model(kind)
    assert not is_model(kind("x") if kind is not Model else Model(text="x"))
    assert (model_schema(kind) is None) is (kind is Plain)


@pytest.mark.parametrize("kind", [str, int, list[str], None, "Model", object])
def test_anything_else_is_no_model(kind: object) -> None:
    assert not is_model(kind)


def test_an_app_without_models_loads_neither_library() -> None:
    code = (
        "import sys, apps.logging.app\n"
        "assert not {'msgspec', 'pydantic'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
