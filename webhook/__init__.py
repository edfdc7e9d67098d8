"""The bridge: GitHub's webhooks and REST calls become Previews, and their state is told on GitHub."""
