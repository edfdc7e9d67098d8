"""Sources: one commit of one repository, read without ever trusting it."""
