"""Limits and budgets that hold for all workers on all machines together: leased from Redis, spent here.

A lease is a part of what is left, taken in one atomic step and used up without asking again. What is leased is
taken, so the limit itself is never passed; as it comes near, leases shrink to single requests.
"""
