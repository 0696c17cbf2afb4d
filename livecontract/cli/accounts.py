"""The options that say which key is meant, shared by the commands."""

from typing import Annotated

import typer

from eventchain.core.keys import TESTNET, KeyPair
from livecontract.cli.files import read_text

Seed = Annotated[
    str | None,
    typer.Option(metavar="PHRASE", help="Seed phrase. Other users of the machine can see it here; see --seed-file."),
]
SeedFile = Annotated[
    str | None, typer.Option("--seed-file", metavar="FILE", help="File with the seed phrase; - reads standard input.")
]
Network = Annotated[str, typer.Option(metavar="LETTER", help="Public network: T for test, L for the main network.")]
PassphraseFile = Annotated[
    str | None, typer.Option("--passphrase-file", metavar="FILE", help="File with the passphrase of the key file.")
]

DEFAULT_NETWORK = TESTNET


def seed_phrase(seed: str | None, seed_file: str | None) -> str | None:
    """Return the phrase that one of the options gives, or None.

    Raises:
        typer.BadParameter: Both are given, or an empty phrase.
    """
    if seed is not None and seed_file is not None:
        raise typer.BadParameter("give either --seed or --seed-file")
    phrase = read_text(seed_file, "seed phrase") if seed_file is not None else seed
    if phrase == "":
        raise typer.BadParameter("the seed phrase is empty")
    return phrase


def passphrase(file: str | None) -> str | None:
    """Return the passphrase in a file, or None without one."""
    return None if file is None else read_text(file, "passphrase")


def key_of(phrase: str, nonce: int) -> KeyPair:
    """Return the key of a seed phrase."""
    return KeyPair.from_seed_phrase(phrase, nonce)


def check_network(network: str) -> str:
    """Return the letter of a network.

    Raises:
        typer.BadParameter: It is not one capital letter.
    """
    if len(network) != 1 or not network.isascii() or not network.isupper():
        raise typer.BadParameter("the network is one capital letter: T or L", param_hint="--network")
    return network
