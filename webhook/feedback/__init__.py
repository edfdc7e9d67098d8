"""Feedback: what a Preview's state looks like on a pull request, and telling it."""
