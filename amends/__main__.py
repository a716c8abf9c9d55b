"""The command line: `amends` or `python -m amends`."""

from amends.commands import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
