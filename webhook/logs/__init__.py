"""Logs of previews for those who read them: looked up, followed, shown."""
