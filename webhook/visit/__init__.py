"""What comes to a preview's address while no instance serves there: pages, and waking."""
