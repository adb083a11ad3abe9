"""`python -m ppolab`: the same as the `ppolab` script."""

from ppolab.cli import script

if __name__ == "__main__":
    script()
