"""The caller's own bytes to an endpoint of its dialect, and the answer's bytes back."""
