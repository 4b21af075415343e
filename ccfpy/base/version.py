"""The version of this software, as logs, ``--version`` and ``/node/version`` say it."""

VERSION = "0.1.0"
