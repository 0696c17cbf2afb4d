"""`livecontract backup` and `livecontract restore`: a node in one file, and back."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livecontract.cli.outcome import FAILURE, AsJson, finish, note
from livecontract.cli.run import ConfigFile, again, read_flags

if TYPE_CHECKING:
    from eventchain.store.document_store import Collection, DocumentStore

DataDirectory = Annotated[Path | None, typer.Option(metavar="DIR", help="Where keys and databases are kept.")]
BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]


def backup(
    context: typer.Context,
    file: BackupFile,
    config: ConfigFile = None,
    data: DataDirectory = None,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Then bring a MongoDB of an older version up; the node has to be stopped.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a backup of a node, which may be running: its events, blocks and key, in one file.

    Every setting of docs/configuration.md is an option, such as --store mongodb://node@localhost/node.
    """
    from eventchain.core.clock import system_clock
    from eventchain.store.mongo import MongoStore
    from livecontract import backup as backups
    from livecontract import bootstrap, key_store
    from livecontract.config import load
    from livecontract.restore import RESTORES, check_whole

    settings = load({**read_flags(context.args), "data": data}, file=config)
    key, _ = key_store.read_as_it_is(settings.key_place)
    store: DocumentStore
    declared: Sequence[Collection] = bootstrap.ALL_COLLECTIONS
    if upgrade and settings.store.startswith("mongodb"):
        store, declared = MongoStore.as_written(settings.store, settings.store_password)
    else:
        store = bootstrap.open_store(settings, declared)
    try:
        if RESTORES in declared:
            check_whole(store)
        manifest = backups.write(store, settings.key_place, file, system_clock, declared=declared)
    except FileExistsError:
        raise typer.BadParameter(f"{file} is there already; name another file") from None
    except OSError as error:  # as of a full disk, which the system tells without the name
        raise OSError(error.errno, error.strerror, str(file)) from None
    finally:
        store.close()
    if upgrade:
        bootstrap.open_store(settings, bootstrap.ALL_COLLECTIONS, may_change=True).close()
    counts = ", ".join(f"{part.count} {part.collection}" for part in manifest.parts if part.collection and part.count)
    if not key_store.is_encrypted(key):
        note(f"The key of the node is in {file} without a passphrase. Whoever has the file can act as the node.")
    finish(manifest.to_dict(), f"{file}: {counts or 'nothing but the key'}", as_json=as_json)


def restore(
    context: typer.Context,
    file: BackupFile,
    config: ConfigFile = None,
    data: DataDirectory = None,
    replace: Annotated[bool, typer.Option("--replace", help="Drop what the store holds.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup into an empty store, of whatever kind, and the key to its place. The node has to be stopped.

    Every setting of docs/configuration.md is an option, such as --store mongodb://node@localhost/node.
    """
    from eventchain.core.clock import system_clock
    from livecontract import bootstrap
    from livecontract import restore as restores
    from livecontract.config import load
    from livecontract.errors import InvalidFileError

    settings = load({**read_flags(context.args), "data": data}, file=config)
    if not file.is_file():
        raise InvalidFileError(f"{file} does not exist", hint="Check the name and the directory you are in.")
    bootstrap.prepare_directory(settings.data)
    with ExitStack() as opened:
        if settings.broker.startswith("sqlite:"):  # one process has it: a node that runs is noticed
            opened.callback(bootstrap.open_broker(settings, system_clock).close)
        store = bootstrap.open_store(settings, bootstrap.ALL_COLLECTIONS)
        opened.callback(store.close)
        done = restores.restore(
            file,
            store,
            bootstrap.ALL_COLLECTIONS,
            settings.key_place,
            network=settings.network,
            clock=system_clock,
            replace=replace,
        )
    for chain, reason in done.refused.items():
        note(f"The chain {chain} is there, and what it has come to could not be computed: {reason}")
    document = {**done.manifest.to_dict(), "chains": done.chains, "refused": done.refused}
    text = (
        f"{done.chains} {'chain is' if done.chains == 1 else 'chains are'} back. "
        "What has happened since the backup, the other parties have; fetch it before you start the node:\n"
        f"  {again(context, 'recover', config, data)} --from https://other-node.example\n"
        f"  {again(context, 'run', config, data)}"
    )
    finish(document, text, as_json=as_json, code=FAILURE if done.refused else 0)
