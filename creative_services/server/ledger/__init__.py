"""From a finished call to a record kept for good: a line, a spool that survives the process, a hand-over, a sink."""
