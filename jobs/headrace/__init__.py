"""Headrace turns YAML feature definitions into PySpark jobs over Delta tables."""

__version__ = "0.1.0"
