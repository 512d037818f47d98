"""What callers may ask and what they are told: surfaces, heads, bodies, model names, problems."""
