"""JavaScript: an engine behind a Protocol, an extension for each ``ccf`` namespace.

``engine`` says what an engine does, ``quickjs`` is the one engine, ``extension`` says
what an extension consists of. A call gets an unused context, unless an application
wants one reused.
"""
