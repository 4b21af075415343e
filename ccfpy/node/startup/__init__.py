"""How a node becomes part of a service: it starts, joins or recovers one."""
