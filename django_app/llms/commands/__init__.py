"""The subcommands of ``manage.py llms``, one room each."""
