"""Rules about the file, over columns of text: one module a family."""
