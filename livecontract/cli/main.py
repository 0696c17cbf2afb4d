"""The root of the command line, and how errors end it."""

import io
import os
import sys
from typing import Annotated

import typer

from livecontract import __version__
from livecontract.cli import backup, chain, demo, doctor, document, key, peer, proof, recover, run, scenario, verify
from livecontract.cli.outcome import FAILURE, STOPPED, UsageError, report_error, report_usage

app = typer.Typer(
    name="livecontract",
    help="Live contracts: workflows that several organisations run together without a common server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(key.app, name="key")
app.add_typer(chain.app, name="chain")
app.add_typer(scenario.app, name="scenario")
app.add_typer(document.app, name="document")
app.add_typer(peer.app, name="peer")
app.add_typer(proof.app, name="proof")
app.command("run", context_settings=run.CONTEXT)(run.run)
app.command("doctor", context_settings=run.CONTEXT)(doctor.doctor)
app.command("recover", context_settings=run.CONTEXT)(recover.recover)
app.command("backup", context_settings=run.CONTEXT)(backup.backup)
app.command("restore", context_settings=run.CONTEXT)(backup.restore)
app.command("demo")(demo.demo)
app.command("verify")(verify.verify)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code.

    Args:
        arguments: Instead of those of the process.
    """
    given = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        return _run(given, as_json="--json" in given)
    except OSError:  # the output broke off or is full: nobody can be told
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE


def _run(arguments: list[str], *, as_json: bool) -> int:
    try:
        code = typer.main.get_command(app).main(args=arguments, prog_name="livecontract", standalone_mode=False)
        sys.stdout.flush()
    except UsageError as error:
        return report_usage(error, as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        code = STOPPED
    except BrokenPipeError:
        raise
    except Exception as error:  # a person sees a sentence, never a traceback  # noqa: BLE001
        code = report_error(error, as_json=as_json)
        sys.stdout.flush()
    if code == STOPPED:  # the parser turns Ctrl-C into this code by itself, and says nothing
        typer.echo("Stopped.", err=True)
    return code if isinstance(code, int) else 0
