"""Governance: members propose, vote, acknowledge, and hand in recovery shares.

What a proposal may do is the constitution's affair, JavaScript in a table; here is the
frame it runs in: proposals' states, signed requests, what each evaluation may touch and
which effects it may ask of the node (`ports.GovernanceNode`).
"""
