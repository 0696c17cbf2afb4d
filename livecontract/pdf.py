"""PDF of a document, by LibreOffice where it is installed. For reading and printing: what is signed is the document."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from livecontract.errors import ConverterMissingError

PROGRAMS = ("soffice", "libreoffice")
TIME_LIMIT = 120
"""Seconds for one document, the first start of LibreOffice included."""


def to_pdf(document: bytes, seconds: float = TIME_LIMIT) -> bytes:
    """Return a document as PDF. Its bytes differ between versions of LibreOffice, and from one run to the next.

    Args:
        document: A filled OpenDocument text; everything else LibreOffice is told not to guess at.
        seconds: How long it may take.

    Raises:
        ConverterMissingError: LibreOffice is not installed, or does not make a PDF of it.
    """
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        raise ConverterMissingError(
            "PDF is made by LibreOffice, and its program soffice is not installed here.",
            hint="Install LibreOffice Writer, or open the .odt file elsewhere and export it as PDF.",
        )
    with tempfile.TemporaryDirectory(prefix="livecontract-pdf-") as name:
        folder = Path(name)
        (folder / "document.odt").write_bytes(document)
        _convert(program, folder, seconds)
        made = folder / "document.pdf"
        if not made.is_file():
            raise _broken()
        return made.read_bytes()


def _convert(program: str, folder: Path, seconds: float) -> None:
    """Run LibreOffice with a profile and a home of its own: it meets no running one, and nobody's settings or secrets.

    The program is a script that starts others, which would go on when it alone is killed.
    """
    command = [
        program,
        f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        "--headless",
        "--norestore",
        "--infilter=writer8",
        "--convert-to",
        "pdf:writer_pdf_Export",
        "--outdir",
        str(folder),
        str(folder / "document.odt"),
    ]
    path = f"{Path(program).parent}{os.pathsep}{os.defpath}"
    environment = {"PATH": path, "HOME": str(folder), "TMPDIR": str(folder)}
    quiet = subprocess.DEVNULL
    try:
        running = subprocess.Popen(  # noqa: S603 (a program that was looked up)
            command, stdin=quiet, stdout=quiet, stderr=quiet, env=environment, start_new_session=True
        )
        code = running.wait(seconds)
    except OSError:
        raise _broken() from None
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        raise _broken() from None
    if code != 0:
        raise _broken()


def _broken() -> ConverterMissingError:
    return ConverterMissingError(
        "LibreOffice made no PDF of the document.", hint="Open the .odt file in LibreOffice and export it as PDF."
    )
