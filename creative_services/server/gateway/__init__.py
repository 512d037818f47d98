"""A call from its admission to its answer, whatever goes wrong on the way."""
