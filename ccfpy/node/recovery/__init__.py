"""How a node recovers a service whose nodes are lost: public state, then private."""
