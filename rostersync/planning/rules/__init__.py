"""Rules about the roster, in SQL over the staged rows: one module a family."""
