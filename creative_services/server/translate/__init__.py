"""Answers for callers of one dialect from endpoints of another, through our nouns."""
