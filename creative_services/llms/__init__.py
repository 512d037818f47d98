"""Choosing and asking language models."""
