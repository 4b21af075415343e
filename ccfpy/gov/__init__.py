"""Governance: members propose, vote, acknowledge, and hand in recovery shares.

The constitution, which is JavaScript in a table, decides what a proposal may do. This
package is the frame in which it runs: the states of proposals, signed requests, the
rights of each evaluation, and the effects that a proposal may ask of the node
(`ports.GovernanceNode`).
"""
