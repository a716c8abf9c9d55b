"""The database roles of the processes."""
