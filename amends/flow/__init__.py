"""The steps of a case, one module each, in the order money moves."""
