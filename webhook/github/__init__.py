"""GitHub: what it sends (without I/O), and what it is asked."""
