"""A release: one version and a clean commit in, wheel, source, image and chart with their checksums out.

prepare VERSION ──▶ controller/__init__.py, Chart.yaml, CHANGELOG.md ──▶ commit, tag vVERSION (a person's)
build VERSION ──▶ tree and tag checked ──▶ git archive ──▶ dist/ ──▶ registry, where one is named
"""
