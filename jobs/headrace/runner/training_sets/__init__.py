"""Builds training sets: what is read is pinned and judged, the rows are computed once, judged, and swapped in."""
