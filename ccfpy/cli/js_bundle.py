"""A JavaScript application that a service begins with: ``sandbox --js-app-bundle``.

As CCF's sandbox does, it takes what is there and checks only that every module is
there. ``ccfpy app bundle`` checks more.
"""

from collections.abc import Mapping
from pathlib import Path

from ccfpy.base.json import Json
from ccfpy.cli.errors import CommandFailed
from ccfpy.client.bundle import NoBundle, read_bundle


def install_app(place: Path) -> Mapping[str, Json]:
    """Return the action that installs the application of a folder or a bundle's file.

    Raises:
        CommandFailed: there is no bundle, or it is incomplete.
    """
    try:
        bundle = read_bundle(place)
    except NoBundle as error:
        raise CommandFailed(
            f"cannot use the JavaScript app in {place}: {error}"
        ) from error
    if not isinstance(bundle.metadata.get("endpoints"), dict):
        raise CommandFailed("an app.json needs an object 'endpoints'")
    for _, _, properties in bundle.endpoints():
        name = properties.get("js_module") if isinstance(properties, dict) else None
        if isinstance(name, str) and name not in bundle.modules:
            where = bundle.folder or place
            raise CommandFailed(
                f"the app's metadata names the module {name!r}, but there is no "
                f"{where / name}"
            )
    return bundle.action()
