"""Self-hosted servers in the admin: who is there, live, with drain, evict and a route tester. No table of its own."""
