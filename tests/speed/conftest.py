"""The portal's people and browsers, as its own tests have them."""

from tests.portal.conftest import harbor, own_files, priya, visitor

__all__ = ["harbor", "own_files", "priya", "visitor"]
