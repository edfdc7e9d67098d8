"""Benchmarks: what PreviewCloud costs beside what people would use without it; see README.md."""
