"""The Kubernetes API as the operator uses it: Previews, their status, Secrets and Events."""
