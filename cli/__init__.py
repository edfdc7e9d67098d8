"""The command `previewcloud`: previews from a terminal, over the API."""
