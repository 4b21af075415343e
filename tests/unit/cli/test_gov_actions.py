"""Actions in a list: names that a constitution chose are marked once."""

import pytest

from ccfpy.cli.gov_actions import print_definitions
from ccfpy.client.review.characters import inline
from ccfpy.client.review.definitions import Argument, Definition


def test_names_are_marked_once(capsys: pytest.CaptureFixture[str]) -> None:
    argument = Argument(name=inline("\u0430ge"), wanted="integer", is_required=False)
    print_definitions([Definition(name=inline("s\u0435t_user"), arguments=(argument,))])
    assert capsys.readouterr().out == (
        "s\u27e6U+0435\u27e7t_user\n    [\u27e6U+0430\u27e7ge]: integer\n"
    )
