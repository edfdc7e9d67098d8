"""The Action: a workflow's event becomes a preview, and the preview's state the workflow's.

    environment ──▶ inputs ┐
    event       ──▶ target ┴▶ images built and pushed ──▶ API ──▶ waiting ──▶ outputs, summary

Nothing but Python's own library is used, so that a runner needs no installation first.
"""
