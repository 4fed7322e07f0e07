"""Files to a validated project: loading, column types, lint rules."""
