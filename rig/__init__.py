"""Shared by tests and benchmarks: stacks, crowds of clients, processes."""
