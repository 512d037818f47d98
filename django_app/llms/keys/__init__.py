"""API keys: named by reference, or sealed; never plain in the database."""
