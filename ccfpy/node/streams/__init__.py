"""Live streams of a node: their bounds, and what is committed, told to them."""
