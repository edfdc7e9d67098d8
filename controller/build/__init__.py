"""Images from sources: the protocol and the BuildKit behind it."""
