"""Where services run: the protocol, and its implementations."""
