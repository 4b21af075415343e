"""One HTML page of OpenAPI documents: ``ccfpy api``, a node and the console show it."""
