"""PreviewCloud's operator: makes each `Preview` resource true on a container engine."""

__version__ = "0.1.0"
