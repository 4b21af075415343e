"""How a node becomes part of a service: it starts one, or joins one.

How a node recovers a service whose nodes are lost: public state, then private.
"""
