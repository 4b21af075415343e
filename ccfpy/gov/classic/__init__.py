"""The governance API of CCF before it had versions.

CCF 1 to 6 served it, the last three beside the versioned API, and most published
scripts still call it. Its paths are its own, so no request is ambiguous: a request for
one of them is answered as CCF 6 answered, whether or not it names a version. Names in
bodies have underscores, and absent values are left out.
"""
