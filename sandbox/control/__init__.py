"""The sandbox's control page: who to be, what time it is, what money moved, what shall go wrong."""

from sandbox.control.app import routes
from sandbox.control.links import Customer, Links
from sandbox.control.outside import Outside

__all__ = ["Customer", "Links", "Outside", "routes"]
