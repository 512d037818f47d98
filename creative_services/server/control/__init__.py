"""The control plane beside the data plane: a WSGI application, in threads here or in a process of its own."""
