"""A double of a Consul agent: its documented HTTP API for keys, values and sessions, on loopback.

Written from the documentation and checked with py-consul, not against an agent. Run one with
``python -m creative_services.testing.consul PORT [FILE]``; with a file, what it was told survives a restart.
"""
