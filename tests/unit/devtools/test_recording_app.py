from ccfpy.devtools.recording import RecordingRegistry
from ccfpy.devtools.recording_app import app


def test_it_serves_what_js_generic_does_and_tells_of_it() -> None:
    registry = app.registry()
    assert isinstance(registry, RecordingRegistry)
    assert registry.find("GET", "/commit") is not None
    assert app.name == "js_generic"
