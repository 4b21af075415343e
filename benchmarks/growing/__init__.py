"""Services that are made to grow, and what of them grows with them."""
