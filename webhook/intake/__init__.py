"""Intake: which Preview an event or a request asks for. Pure, but for the desk that carries it out."""
