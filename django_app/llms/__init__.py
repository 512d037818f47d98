"""Language models managed in the Django admin, and followed by every worker."""
