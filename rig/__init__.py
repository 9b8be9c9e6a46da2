"""Test and benchmark infrastructure: service stacks, crowds of stream clients, processes."""
