"""What the demonstration tells: steps and checks, for a person as they happen or for a machine at the end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was done.

    Attributes:
        step: What, in a few words.
        who: Which party did it, or empty.
        detail: What came of it.
        ok: Whether it worked.
        seconds: How long it took.
    """

    step: str
    who: str
    detail: str
    ok: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was compared.

    Attributes:
        check: Its name.
        ok: Whether it holds.
        message: What was compared with what.
    """

    check: str
    ok: bool
    message: str


class Task:
    """A step that is being done; what came of it is told by setting `detail`."""

    def __init__(self) -> None:
        self.detail = ""


class Transcript:
    """Collects steps and findings, and prints them as they come unless it is quiet."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self.steps: list[Step] = []
        self.findings: list[Finding] = []

    @property
    def ok(self) -> bool:
        """Whether every step worked and every check was made and held."""
        steps_ok = all(step.ok for step in self.steps)
        return steps_ok and bool(self.findings) and all(finding.ok for finding in self.findings)

    def heading(self, text: str) -> None:
        """Start a new part."""
        if not self._quiet:
            self._console.print(f"\n[bold]{escape(text)}[/bold]")

    def say(self, text: str) -> None:
        """Tell something beside the steps."""
        if not self._quiet:
            self._console.print(f"  {escape(text)}", style="dim", highlight=False, soft_wrap=True)

    @contextmanager
    def step(self, step: str, who: str = "") -> Iterator[Task]:
        """Do something; on a terminal it is shown while it lasts."""
        task, started = Task(), time.monotonic()
        status = self._console.status(escape(f"{who} {step}".strip())) if not self._quiet else None
        if status and self._console.is_terminal:
            status.start()
        try:
            yield task
        except Exception as error:
            self._add_step(Step(step, who, str(error), False, time.monotonic() - started))
            raise
        finally:
            if status:
                status.stop()
        self._add_step(Step(step, who, task.detail, True, time.monotonic() - started))

    def find(self, check: str, ok: bool, message: str) -> None:
        """Add a finding."""
        finding = Finding(check, ok, message)
        self.findings.append(finding)
        if not self._quiet:
            self._console.print(f"  {_mark(ok)} [bold]{escape(check)}[/bold]", highlight=False)
            self._console.print(f"      {escape(message)}", highlight=False, soft_wrap=True)

    def _add_step(self, step: Step) -> None:
        self.steps.append(step)
        if not self._quiet:
            seconds = f"{step.seconds:4.1f} s"
            who = f"[cyan]{escape(step.who):<10}[/cyan]"
            self._console.print(
                f"  {_mark(step.ok)} [dim]{seconds}[/dim]  {who} {escape(step.step)}", highlight=False, soft_wrap=True
            )
            for line in step.detail.splitlines():
                self._console.print(f"{'':24}{escape(line)}", style="dim", highlight=False, soft_wrap=True)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "ok": self.ok,
            "steps": [asdict(step) | {"seconds": round(step.seconds, 3)} for step in self.steps],
            "checks": [asdict(finding) for finding in self.findings],
        }


def _mark(ok: bool) -> str:
    return "[green]ok[/green]" if ok else "[red]NO[/red]"
