"""How a request becomes an answer: declaration, lookup, authentication, execution.

An endpoint is data (`declaration`), a frontend's endpoints are a `registry`, and one
function in `frontend` takes a request through CCF's fixed order of checks. Nothing here
knows what any endpoint does. Imports http, service and everything below.
"""
