"""What a development service's node runs in place of ``js_generic``."""

from ccfpy.app import GOVERNED, App, Scripts
from ccfpy.devtools.recording import RecordingRegistry
from ccfpy.endpoints.registry import Registry

PREFIX = "app"
_SCRIPTS = Scripts(tables=GOVERNED)


class RecordedApp(App):
    """An application in JavaScript whose every request is told in the log."""

    def _empty_registry(self) -> Registry:
        return RecordingRegistry(
            PREFIX,
            title=self.title,
            description=self.description,
            version=self.version,
            scripts=_SCRIPTS,
        )


app = RecordedApp(
    "js_generic",
    title="An application under development",
    description="Runs the JavaScript application that is being written.",
)
