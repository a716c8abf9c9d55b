"""One file per neighbour of the application."""
