"""Backfills: many intervals of a group in few passes; each pass gates, computes and commits all of its intervals."""
