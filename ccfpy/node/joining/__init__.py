"""How a node becomes part of a service: it starts one, or joins one."""
