"""Real processes on a real PostgreSQL, killed at random while money moves."""
