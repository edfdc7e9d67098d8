"""Services as containers on a Docker engine, local or remote."""
