"""HTTP/1.1 under uvicorn, in its own protocol's place: one write per answer, bounds on heads, and no body cut short."""
