"""Not here: where Amends is installed, nothing brings this package, which structlog would load."""

raise ImportError("rich belongs to development")
