"""Models in ONNX's format, run by onnxruntime. The one file that touches it.

One thread runs a model, whatever the machine has, with kernels that give the same again
where there is a choice. Nothing is read from files, written, logged or sent: a model
comes as bytes, and the process was cut off from files before it had any. What the
library does when it is first used, it does when this is imported, for it looks at the
machine then.
"""

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from apps.inference.limits import ELEMENTS_MAX, TENSORS_MAX
from apps.inference.tensors import Tensor
from ccfpy.app import ApiError, Malformed

# The library collects statistics of its use in a file of the user's, which it opens and
# shares memory with as soon as it is imported, unless this is said before.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

_PROVIDERS = ["CPUExecutionProvider"]
_FATAL = 4
_TYPES = {
    "tensor(float16)": "float16",
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(bool)": "bool",
    **{
        f"tensor({name})": name
        for sign in ("int", "uint")
        for name in (f"{sign}8", f"{sign}16", f"{sign}32", f"{sign}64")
    },
}
SMALLEST = base64.b64decode(
    "CAk6MwoQCgF4EgF5IghJZGVudGl0eRIBaVoNCgF4EggKBggBEgIKAGINCgF5EggKBggBEgIKAEIECgAQEQ=="
)
"""A model that gives what it is given; a test makes it anew."""

onnxruntime.set_default_logger_severity(_FATAL)  # its messages may quote a model
onnxruntime.disable_telemetry_events()


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What a model takes or gives under a name.

    Attributes:
        type: of the elements, as ``tensors.TYPES`` names it.
        shape: sizes; ``None`` where any will do.
    """

    name: str
    type: str
    shape: list[int | None]

    def fits(self, shape: Sequence[int]) -> bool:
        """Return whether the input takes a tensor of these sizes."""
        return len(shape) == len(self.shape) and all(
            wanted in (None, size)
            for wanted, size in zip(self.shape, shape, strict=True)
        )


class Model:
    """A model, ready to run.

    Attributes:
        inputs: what it takes, all of which must be given.
        outputs: what it gives.

    Raises:
        Malformed: it is no model that can run here; the text says why, without a word
            of the library's, which would quote the model.
    """

    def __init__(self, content: bytes) -> None:
        try:
            self._session = onnxruntime.InferenceSession(
                content, _options(), providers=_PROVIDERS
            )
        except Exception as error:  # the library has a dozen, and no common one
            raise Malformed(
                "not a model in ONNX's format that this version of onnxruntime runs"
            ) from error
        self.inputs = [_described(each) for each in self._session.get_inputs()]
        self.outputs = [_described(each) for each in self._session.get_outputs()]
        if max(len(self.inputs), len(self.outputs)) > TENSORS_MAX:
            raise Malformed(f"a model takes and gives {TENSORS_MAX} tensors at most")

    def run(
        self,
        inputs: Mapping[str, Tensor],
        outputs: Sequence[str] | None = None,
        *,
        elements_max: int = ELEMENTS_MAX,
    ) -> dict[str, Tensor]:
        """Return the outputs that were asked for, or all.

        Raises:
            ApiError: 400, an input is missing, unknown or not of its type and shape,
                or there is no such output; 500, the model failed.
        """
        self._check(inputs, elements_max)
        wanted = [each.name for each in self.outputs] if outputs is None else outputs
        self._check_outputs(wanted)
        try:
            given = self._session.run(list(wanted), dict(inputs))
        except Exception as error:  # the library has a dozen, and no common one
            raise ApiError(
                500, "InferenceFailed", "The model failed on these inputs."
            ) from error
        answers = dict(zip(wanted, map(np.asarray, given), strict=True))
        if sum(answer.size for answer in answers.values()) > ELEMENTS_MAX:
            raise ApiError(
                500,
                "TooManyElements",
                f"The model gives more than {ELEMENTS_MAX} elements.",
            )
        return answers

    def _check(self, inputs: Mapping[str, Tensor], elements_max: int) -> None:
        known = {each.name for each in self.inputs}
        for name in inputs:
            if name not in known:
                raise _refused("UnknownInput", f"The model has no input '{name}'.")
        elements = sum(tensor.size for tensor in inputs.values())
        if elements > elements_max:
            raise _refused(
                "TooManyElements",
                f"The inputs have {elements} elements; {elements_max} are the most.",
            )
        for wanted in self.inputs:
            _check_input(wanted, inputs.get(wanted.name))

    def _check_outputs(self, wanted: Sequence[str]) -> None:
        known = {each.name for each in self.outputs}
        for name in wanted:
            if name not in known:
                raise _refused("UnknownOutput", f"The model has no output '{name}'.")
        if not wanted or len(set(wanted)) < len(wanted):
            raise _refused("UnknownOutput", "Name each output once, and one at least.")


def _check_input(wanted: Described, tensor: Tensor | None) -> None:
    name = wanted.name
    if tensor is None:
        raise _refused("MissingInput", f"The model needs an input '{name}'.")
    if tensor.dtype.name != wanted.type:
        raise _refused(
            "WrongTensorType",
            f"Input '{name}' has elements of type {wanted.type}, "
            f"not {tensor.dtype.name}.",
        )
    if not wanted.fits(tensor.shape):
        raise _refused(
            "WrongTensorShape",
            f"Input '{name}' has the shape {_shown(wanted.shape)}, "
            f"not {_shown(tensor.shape)}.",
        )
    if not tensor.size:
        raise _refused("WrongTensorShape", f"Input '{name}' has no elements.")


def _refused(code: str, message: str) -> ApiError:
    return ApiError(400, code, message)


def _shown(shape: Sequence[int | None]) -> str:
    return f"[{', '.join('?' if size is None else str(size) for size in shape)}]"


def _options() -> Any:  # noqa: ANN401 - the library has no types
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    options.log_severity_level = _FATAL
    # A plan of memory is kept for each shape, and callers choose shapes.
    options.enable_mem_pattern = False
    return options


def _described(argument: Any) -> Described:  # noqa: ANN401 - the library has no types
    kind = _TYPES.get(argument.type)
    if kind is None:
        raise Malformed(
            f"the model takes or gives a {argument.type}; there are {', '.join(_TYPES)}"
        )
    shape = [size if isinstance(size, int) else None for size in argument.shape]
    return Described(name=argument.name, type=kind, shape=shape)


Model(SMALLEST).run({"x": np.zeros(1, np.float32)})
