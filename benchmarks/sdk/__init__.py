"""The tier client beside the vendors' SDKs and the libraries people would otherwise use."""
