"""PDF of a document, by LibreOffice where it is installed. For reading and printing: what is signed is the document."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from livecontract.errors import ConverterMissingError

PROGRAMS = ("soffice", "libreoffice")
TIME_LIMIT = 120
"""Seconds for one document, the first start of LibreOffice included."""


def to_pdf(document: bytes) -> bytes:
    """Return a document as PDF. Its bytes differ between versions of LibreOffice, and from one run to the next.

    Args:
        document: A filled OpenDocument text.

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
        _convert(program, folder)
        made = folder / "document.pdf"
        if not made.is_file():
            raise _broken()
        return made.read_bytes()


def _convert(program: str, folder: Path) -> None:
    """Run LibreOffice with a profile of its own, so that it neither meets a running one nor anybody's settings."""
    command = [
        program,
        f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        "--headless",
        "--norestore",
        "--convert-to",
        "pdf:writer_pdf_Export",
        "--outdir",
        str(folder),
        str(folder / "document.odt"),
    ]
    try:
        done = subprocess.run(  # noqa: S603 (a program that was looked up)
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIME_LIMIT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        raise _broken() from None
    if done.returncode != 0:
        raise _broken()


def _broken() -> ConverterMissingError:
    return ConverterMissingError(
        "LibreOffice made no PDF of the document.", hint="Open the .odt file in LibreOffice and export it as PDF."
    )
