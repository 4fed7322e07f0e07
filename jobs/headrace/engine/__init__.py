"""Logical nodes to DataFrames, and the Spark session they run in."""
