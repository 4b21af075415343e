"""Who a node is: its keys, certificates, evidence, and secrets kept by its platform."""
