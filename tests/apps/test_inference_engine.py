"""The engine: it runs valid models, with the same result every time, and nothing
else."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from apps.inference.engine import SMALLEST, Model
from apps.inference.limits import ELEMENTS_MAX, TENSORS_MAX
from ccfpy.app import ApiError, Malformed
from tests.apps.inference_kit import (
    ROOT,
    magika_input,
    magika_model,
    model_of,
    row,
    scaling,
)


def test_the_smallest_model_is_made_of_one_operator() -> None:
    made = model_of(
        [helper.make_node("Identity", ["x"], ["y"])],
        {"x": (TensorProto.FLOAT, [None])},
        {"y": (TensorProto.FLOAT, [None])},
    )
    assert Model(SMALLEST).inputs == Model(made).inputs
    given = np.array([1.5, -2], np.float32)
    for content in (SMALLEST, made):
        np.testing.assert_array_equal(Model(content).run({"x": given})["y"], given)


def test_a_model_gives_the_same_bytes_every_time() -> None:
    inputs = magika_input(b"the same\n" * 500)
    answers = {
        Model(magika_model()).run(inputs)["target_label"].tobytes() for _ in range(3)
    }
    assert len(answers) == 1


def test_a_row_has_nearly_the_same_answer_alone_and_among_others() -> None:
    model = Model(magika_model())
    one = magika_input(b"import this\n" * 200)["bytes"]
    other = magika_input(b"<html></html>" * 200)["bytes"]
    alone = model.run({"bytes": one})["target_label"]
    among = model.run({"bytes": np.concatenate([other, one, other])})["target_label"]
    assert among[1].argmax() == alone[0].argmax()
    np.testing.assert_allclose(among[1], alone[0], atol=1e-3)


@pytest.mark.parametrize("content", [b"", b"no model", scaling()[:-1], bytes(1000)])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(Malformed, match="not a model in ONNX's format"):
        Model(content)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells what is open")
def test_the_library_opens_nothing_and_writes_nothing(tmp_path: Path) -> None:
    code = (
        "import apps.inference.engine\n"
        "from ccfpy.enclave.isolation import confinement\n"
        "confinement.check(())\n"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=ROOT,
        env={"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
    )
    assert list(tmp_path.rglob("*")) == []


def test_a_model_whose_data_is_in_a_file_is_refused() -> None:
    weights = helper.make_tensor("factor", TensorProto.FLOAT, [1], [1.0])
    weights.ClearField("float_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../../etc/passwd")
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "factor"], ["y"])],
        "made",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
        [weights],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9
    )
    with pytest.raises(Malformed, match="not a model in ONNX's format"):
        Model(model.SerializeToString())


def test_texts_are_no_numbers() -> None:
    content = model_of(
        [helper.make_node("Identity", ["x"], ["y"])],
        {"x": (TensorProto.STRING, [None])},
        {"y": (TensorProto.STRING, [None])},
    )
    with pytest.raises(Malformed, match=r"takes or gives a tensor\(string\)"):
        Model(content)


def _of_many(count: int) -> bytes:
    names = [f"y{i}" for i in range(count)]
    return model_of(
        [helper.make_node("Identity", ["x"], [name]) for name in names],
        {"x": (TensorProto.FLOAT, [None])},
        {name: (TensorProto.FLOAT, [None]) for name in names},
    )


def test_a_model_gives_so_many_tensors_at_most() -> None:
    assert len(Model(_of_many(TENSORS_MAX)).outputs) == TENSORS_MAX
    with pytest.raises(Malformed, match="64 tensors at most"):
        Model(_of_many(TENSORS_MAX + 1))


def _swelling() -> bytes:
    """Make a model that returns as many elements as its input says."""
    return model_of(
        [helper.make_node("Expand", ["one", "shape"], ["y"])],
        {"shape": (TensorProto.INT64, [1])},
        {"y": (TensorProto.FLOAT, [None])},
        [helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])],
    )


def test_a_model_gives_so_many_elements_at_most() -> None:
    model = Model(_swelling())
    at_most = model.run({"shape": np.array([ELEMENTS_MAX])})["y"]
    assert at_most.size == ELEMENTS_MAX
    with pytest.raises(ApiError) as refused:
        model.run({"shape": np.array([ELEMENTS_MAX + 1])})
    assert (refused.value.status, refused.value.code) == (500, "TooManyElements")


def test_a_model_that_fails_says_nothing_of_its_inputs() -> None:
    model = Model(_swelling())
    with pytest.raises(ApiError) as failed:
        model.run({"shape": np.array([-5])})
    assert (failed.value.status, failed.value.code) == (500, "InferenceFailed")
    assert "-5" not in failed.value.message


def test_chosen_outputs_alone_are_given() -> None:
    given = Model(_of_many(3)).run({"x": row(1)[0]}, ["y2", "y0"])
    assert list(given) == ["y2", "y0"]


def test_a_model_bounds_how_many_elements_are_given_to_it() -> None:
    model = Model(scaling())
    assert model.run({"x": row(1, 2, 3)}, elements_max=3)
    with pytest.raises(ApiError, match="3 elements; 2 are the most"):
        model.run({"x": row(1, 2, 3)}, elements_max=2)


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
@pytest.mark.parametrize("content", [scaling, magika_model])
def test_a_model_runs_in_the_thread_that_asks(content: Callable[[], bytes]) -> None:
    def threads() -> int:
        status = Path("/proc/self/status").read_text().splitlines()
        return int(next(x for x in status if x.startswith("Threads:")).split()[1])

    before = threads()
    model = Model(content())
    model.run({"x": row(1, 2, 3)} if content is scaling else magika_input(b"x" * 100))
    assert threads() == before


@pytest.mark.parametrize("name", ["numpy", "onnxruntime"])
def test_who_has_not_installed_the_engine_is_told_how(name: str) -> None:
    code = f"import sys; sys.modules[{name!r}] = None; import apps.inference"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    said = f"ImportError: {name} is missing: pip install 'ccfpy[inference]'"
    assert done.stderr.splitlines()[-1] == said
