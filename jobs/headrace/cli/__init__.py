"""The command line: one file a command, and the edge where errors become one line and an exit code."""
