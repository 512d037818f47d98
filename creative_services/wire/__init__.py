"""Vendors' dialects: pure translation between our nouns and the JSON and byte streams that travel. No I/O."""
