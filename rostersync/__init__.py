"""Rostersync: supplementary staff files into a roster, with errors people can act on."""

__version__ = "0.1.0"
