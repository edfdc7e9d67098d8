"""Lifecycle: who runs, who sleeps, who waits, and what goes because nobody needs it any more."""
