"""One file per question; each states its budget, and exits 1 if the budget is
exceeded."""
