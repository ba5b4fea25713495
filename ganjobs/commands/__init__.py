"""The commands, grouped by what they are about. Each imports what is slow to load only when it runs."""
