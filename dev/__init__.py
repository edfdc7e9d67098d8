"""The local platform: everything a developer's machine needs to run previews, as one.

`python -m dev up` turns a checkout into a running platform, piece by piece; each piece is made true only
where it is not already. What it learned (ports, passwords, addresses) lies under the state directory;
big things lie in a cache.
"""
