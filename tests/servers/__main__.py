"""`python -m tests.servers [--broker rabbitmq] [--store mongodb] …`: have the servers that these options of the demonstration ask for.

Installs or builds what is missing where that is allowed, and prints the options that name what was built.
"""  # noqa: E501  (a command line)

import sys

import pytest

from livecontract.demo.mongodb_server import find_program
from tests.servers import mongodb, rabbitmq


def main(arguments: list[str]) -> int:
    """Print options for `livecontract demo`; return the exit code."""
    try:
        if "rabbitmq" in arguments or "--broker=rabbitmq" in arguments:
            rabbitmq.install()
        wants_mongodb = "mongodb" in arguments or "--store=mongodb" in arguments
        if wants_mongodb and "--mongodb-program" not in arguments and find_program() is None:
            print(f"--mongodb-program={mongodb.built()}")
    except (pytest.skip.Exception, pytest.fail.Exception) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
