"""An application's own extensions, whose Python functions are limited in time."""

from collections.abc import Mapping
from functools import partial

from ccfpy.endpoints.app_calls import AppCalls
from ccfpy.js.extension import Extension, ExtensionFunction, ExtensionResult


class Limited:
    """An extension whose functions are stopped when they take too long.

    The engine looks at its clock between its own steps, but not while a Python function
    runs.
    """

    def __init__(self, extension: Extension, calls: AppCalls) -> None:
        self._extension = extension
        self._calls = calls

    @property
    def source(self) -> str:
        """The extension's own source."""
        return self._extension.source

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Return the extension's functions, limited."""
        return {
            name: partial(self._call, function)
            for name, function in self._extension.functions().items()
        }

    def _call(self, function: ExtensionFunction, *arguments: object) -> ExtensionResult:
        def call(given: tuple[object, ...]) -> ExtensionResult:
            return function(*given)

        return self._calls.call(call, arguments)
