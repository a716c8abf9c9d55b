"""The question pages of a new request, one module each, in the order they are asked."""
