"""`livecontract key`: make keys and show what is public of them."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from eventchain.core import base58
from eventchain.core.keys import KeyPair
from livecontract.cli import accounts
from livecontract.cli.outcome import AsJson, finish, note

app = typer.Typer(help="Keys of people and nodes.", no_args_is_help=True)

_Nonce = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Which account of the seed phrase.")]
_Private = Annotated[bool, typer.Option("--private", help="Print the private key too. Whoever sees it is you.")]


@app.command("new")
def new(
    seed: accounts.Seed = None,
    seed_file: accounts.SeedFile = None,
    nonce: _Nonce = 0,
    network: accounts.Network = accounts.DEFAULT_NETWORK,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Where to keep the key. Random keys: <address>.key.json.")
    ] = None,
    passphrase_file: accounts.PassphraseFile = None,
    private: _Private = False,
    as_json: AsJson = False,
) -> None:
    """Make a key, random or from a seed phrase. A random key is kept in a file that only you can read."""
    phrase = accounts.seed_phrase(seed, seed_file)
    letter = accounts.check_network(network)
    if phrase is None and nonce:
        raise typer.BadParameter("--nonce belongs to a seed phrase", param_hint="--nonce")
    key = KeyPair.generate(os.urandom) if phrase is None else accounts.key_of(phrase, nonce)
    document = _to_dict(key, letter, private)
    file = out or (f"{document['address']}.key.json" if phrase is None and not private else None)
    if file is not None:
        document["file"] = _keep(key, file, passphrase_file)
        note(f"The private key is in {file}. Keep it: nobody can make it again.")
    finish(document, _text(document), as_json=as_json)


@app.command("show")
def show(
    file: Annotated[str | None, typer.Argument(metavar="[FILE]", help="A key file.")] = None,
    seed: accounts.Seed = None,
    seed_file: accounts.SeedFile = None,
    nonce: _Nonce = 0,
    network: accounts.Network = accounts.DEFAULT_NETWORK,
    passphrase_file: accounts.PassphraseFile = None,
    private: _Private = False,
    as_json: AsJson = False,
) -> None:
    """Show what is public of the key of a seed phrase or in a key file."""
    phrase = accounts.seed_phrase(seed, seed_file)
    letter = accounts.check_network(network)
    if (phrase is None) == (file is None):
        raise typer.BadParameter("give one of --seed, --seed-file and the name of a key file")
    if phrase is not None:
        key = accounts.key_of(phrase, nonce)
    else:
        from livecontract import key_store

        key = key_store.load(Path(str(file)), accounts.passphrase(passphrase_file))
    document = _to_dict(key, letter, private)
    finish(document, _text(document), as_json=as_json)


def _to_dict(key: KeyPair, network: str, private: bool) -> dict[str, Any]:
    return {
        "public_key": str(key.public_key),
        "address": key.public_key.address(network),
        "encrypt_key": base58.encode(key.encrypt_key),
        **({"private_key": key.private_key} if private else {}),
    }


def _text(document: dict[str, Any]) -> str:
    return "\n".join(f"{name.replace('_', ' '):<12} {value}" for name, value in document.items())


def _keep(key: KeyPair, file: str, passphrase_file: str | None) -> str:
    from eventchain.core.errors import ConflictError
    from livecontract import key_store

    try:
        key_store.save(Path(file), key, accounts.passphrase(passphrase_file), os.urandom)
    except FileExistsError:
        raise ConflictError(f"{file} is there already", hint="Name another file; keys are not written over.") from None
    return file
