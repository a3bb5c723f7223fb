"""Run the command line by ``python -m hillfront``."""

from hillfront.cli import main

if __name__ == "__main__":
    main()
