"""System checks with stable ids; ``docs`` lists them all."""


def register_all() -> None:
    """Called once from ``ready()``."""
