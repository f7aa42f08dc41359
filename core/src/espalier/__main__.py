"""Make ``python -m espalier`` the same as ``espalier``."""

from .cli import main


if __name__ == "__main__":
    main()
