"""The command `previewcloud`: previews from a terminal, over the API.

    arguments ──▶ commands ──▶ Client ──▶ the API ──▶ models ──▶ views ──▶ Terminal
    options, environment, file ──▶ Connection ──┘

Everything that the API tells is somebody else's text: before it is printed, `ansi` makes it harmless.
"""
