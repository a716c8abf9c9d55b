"""What each viewer may see; the owner filter is in the query."""
