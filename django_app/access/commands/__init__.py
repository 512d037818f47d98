"""What ``manage.py access`` does, a room for each subcommand."""
