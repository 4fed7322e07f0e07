"""Adds columns to rows, of which there may be none."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame


def with_columns(rows: DataFrame, columns: Mapping[str, Column]) -> DataFrame:
    """The rows with the columns, or as they are: Spark Connect's `withColumns` fails when there are none."""
    return rows.withColumns(dict(columns)) if columns else rows
