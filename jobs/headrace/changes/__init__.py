"""How definitions and stored tables differ, seen through narrow protocols; no Spark."""
