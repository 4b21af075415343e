"""No endpoints of its own: members bring an application in JavaScript by proposal."""

from ccfpy.app import App

app = App(
    "js_generic",
    title="CCF JS Generic App",
    description="Runs whatever JavaScript application governance installs.",
)
