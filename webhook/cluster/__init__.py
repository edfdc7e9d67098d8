"""The cluster as the bridge uses it: Previews in a watch cache, one field manager, what it remembers."""
