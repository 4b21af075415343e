"""What the benchmarks share: a service to ask, a way to ask, a table to print."""
