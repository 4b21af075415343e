"""Attacks on real nodes beside an honest client, and the bounds that each must keep.

``python -m tests.lab.attacks`` starts a service of this machine's own, attacks it,
and judges what that cost the attacker, the service and the honest client.
"""
