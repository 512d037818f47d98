"""Replicas beside the peers: ``python -m benchmarks.replicas``."""
