"""One file per question; each states its budget and exits 1 when it is exceeded."""
