"""REST: the API for pipelines and people."""
