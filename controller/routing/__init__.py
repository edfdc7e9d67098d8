"""Routing: which instance the world sees under a preview's host."""
