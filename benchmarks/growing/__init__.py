"""Services that grow, and measurements of everything that grows with them."""
