"""The only place that orders side effects: what a command does, step by step."""
