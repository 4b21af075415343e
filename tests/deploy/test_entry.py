"""The image's entry: it renders templates, waits for files, and parses its
arguments."""

import json
import string
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.image.entry import Json, Refused, command, prepare, render, wait_for

NAMES = st.text(string.ascii_uppercase + "_", min_size=1, max_size=8)
TEXTS = st.text(st.characters(blacklist_characters="$"), max_size=8)
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_what_names_no_variable_stays_as_it_is(value: Json) -> None:
    assert render(value, {}) == value


@given(NAMES, TEXTS.filter(bool), TEXTS, TEXTS)
def test_a_variable_is_replaced_wherever_text_is(
    name: str, value: str, before: str, after: str
) -> None:
    text, made = f"{before}${{{name}}}{after}", f"{before}{value}{after}"
    template: Json = {"a": [text, {"b": text}], "n": 1}
    assert render(template, {name: value}) == {"a": [made, {"b": made}], "n": 1}


def test_a_value_is_not_looked_into_again() -> None:
    assert render("${A}", {"A": "${B}", "B": "no"}) == "${B}"


def test_the_variables_of_ccf_itself_are_left_to_the_node() -> None:
    assert render("$UVM_DIR/policy", {"UVM_DIR": "no"}) == "$UVM_DIR/policy"


@pytest.mark.parametrize("environment", [{}, {"NODE": ""}])
def test_a_variable_without_a_value_is_refused_by_name(
    environment: dict[str, str],
) -> None:
    with pytest.raises(Refused, match=r"\$\{NODE\}, which is not set; set it"):
        render({"a": "${NODE}:8000"}, environment)


def test_what_an_earlier_run_left_does_not_keep_a_node_from_starting(
    tmp_path: Path,
) -> None:
    place, template = tmp_path / "run", tmp_path / "node.json"
    pid_file = tmp_path / "node.pid"
    template.write_text(json.dumps({"output_files": {"pid_file": str(pid_file)}}))
    pid_file.write_text("1")
    made = prepare(template, place, {})
    assert json.loads(made.read_text()) == json.loads(template.read_text())
    assert not pid_file.exists()
    assert prepare(template, place, {}) == made  # and once more, where there is none


@pytest.mark.parametrize(
    ("text", "reason"),
    [("{", "is not JSON"), (None, "cannot prepare"), ('{"a": "${A}"}', "not set")],
)
def test_a_template_that_is_none_is_refused_in_one_sentence(
    tmp_path: Path, text: str | None, reason: str
) -> None:
    template = tmp_path / "node.json"
    if text is not None:
        template.write_text(text)
    with pytest.raises(Refused, match=reason) as refusal:
        prepare(template, tmp_path, {})
    assert "\n" not in str(refusal.value)


def test_a_file_that_nobody_makes_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="nobody made it"):
        wait_for(tmp_path / "never", timeout_s=0)
    (tmp_path / "there").touch()
    wait_for(tmp_path / "there", timeout_s=0)


def test_words_become_a_program_beside_the_interpreter(tmp_path: Path) -> None:
    ccfpy = str(Path(sys.executable).with_name("ccfpy"))
    place = {"CCFPY_RUN": str(tmp_path / "run")}
    template = tmp_path / "node.json"
    template.write_text("{}")
    made = str(tmp_path / "run" / "node.json")
    run = [ccfpy, "node", "--config", made, "--app", "hello"]
    assert command(["run", str(template), "--app", "hello"], place) == run
    waiting = ["run", "--wait-for", str(template), str(template), "--app", "hello"]
    assert command(waiting, place) == run
    assert command(["gov", "ack"], place) == [ccfpy, "gov", "ack"]
    assert command(["leave", "5"], place)[-3:-2] == [
        str(Path(command.__code__.co_filename).with_name("own_node.py"))
    ]
    with pytest.raises(Refused, match="name its file"):
        command(["run"], place)
