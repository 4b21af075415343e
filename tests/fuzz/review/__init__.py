"""Looks for proposals that members are shown as something else than what they are.

The invariant: bytes that differ are shown as different, and each character that a
reader does not see as itself is marked. Pairs of programs, arguments and proposals are
made by small changes, and judged by what ``gov show`` prints and by what the console's
page makes of it: ``python -m tests.fuzz.review``, or ``make fuzz-review``.
"""
