"""Records on disk before anything else happens to them, and from there to whoever keeps them for good: once each."""
