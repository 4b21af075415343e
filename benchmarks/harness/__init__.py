"""The parts that all benchmarks share: a service to ask, clients, a table to print."""
