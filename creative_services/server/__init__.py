"""The data plane as plain ASGI: gateway, ledger, operations. No Django and no database on any request's way."""
