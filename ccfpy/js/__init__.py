"""JavaScript: an engine behind a Protocol, an extension for each ``ccf`` namespace.

``engine`` says what is asked of an engine, ``quickjs`` is the one binding, ``host``
what an extension may do. Each call gets a fresh interpreter that dies with it.
"""
