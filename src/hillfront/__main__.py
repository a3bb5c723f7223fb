"""Run the command line by ``python -m hillfront``."""

from hillfront.cli.app import main

if __name__ == "__main__":
    main()
