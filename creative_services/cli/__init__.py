"""The command line: ``creative-services``."""
