"""What JavaScript sees of the node: one file for each namespace of CCF's API."""
