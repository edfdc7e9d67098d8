"""One database per preview: the protocol, and a server of each kind behind it."""
