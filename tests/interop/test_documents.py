"""Nodes answer as their OpenAPI documents say, whoever calls: schemathesis judges."""

from collections.abc import Iterator

import pytest

from tests.attacks import attack
from tests.interop.documents import (
    CASES,
    JAVASCRIPT_CASES,
    Judged,
    judged_service,
)


@pytest.fixture(scope="module")
def python_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    """A service with the logging sample."""
    with judged_service(tmp_path_factory.mktemp("judged")) as judged:
        yield judged


@pytest.fixture(scope="module")
def javascript_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    """A service with a sample in JavaScript."""
    place = tmp_path_factory.mktemp("judged_js")
    with judged_service(place, app="js_generic") as judged:
        yield judged


@attack("http: requests made of the documents, valid and not, as every kind of caller")
@pytest.mark.parametrize(("document", "caller"), CASES)
def test_every_answer_is_one_that_the_document_allows(
    python_app: Judged, document: str, caller: str
) -> None:
    _judge(python_app, document, caller)


@attack("http: requests made of the documents, valid and not, as every kind of caller")
@pytest.mark.parametrize(("document", "caller"), JAVASCRIPT_CASES)
def test_so_is_every_answer_of_an_app_in_javascript(
    javascript_app: Judged, document: str, caller: str
) -> None:
    _judge(javascript_app, document, caller)


def _judge(judged: Judged, document: str, caller: str) -> None:
    done = judged.run(document, caller)
    assert done.returncode == 0, done.stdout + done.stderr
    with judged.running.connect() as anybody:
        assert anybody.get("/node/state").object()["state"] == "PartOfNetwork"
