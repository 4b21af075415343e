"""No endpoints of its own: members bring an application in JavaScript by proposal."""

from ccfpy.app import GOVERNED, App, Scripts

app = App(
    "js_generic",
    title="CCF JS Generic App",
    description="Runs whatever JavaScript application governance installs.",
)
app.serve_scripts(Scripts(tables=GOVERNED))
