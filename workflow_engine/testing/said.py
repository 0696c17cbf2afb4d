"""A sentence as a feature says it: the world it is said in, and what stands in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventchain.core.errors import InvalidError
from workflow_engine.durations import from_iso
from workflow_engine.errors import quote
from workflow_engine.process import Process
from workflow_engine.scenario import Scenario
from workflow_engine.testing import values
from workflow_engine.testing.errors import InvalidFeatureError
from workflow_engine.testing.feature import Step
from workflow_engine.testing.world import World, check_known, near

Words = Mapping[str, str | None]
"""What stands in a sentence for each of its names; None for what was left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the functions of the vocabulary work on.

    Attributes:
        world: What the test has come to; they change it.
        step: The sentence with its data.
        words: What stands in it for the names of the sentence.
    """

    world: World
    step: Step
    words: Words

    def word(self, name: str) -> str:
        """Return what stands for a name that the sentence always has, with `${…}` filled in."""
        return values.substitute(self.words[name] or "", self.world.lookup)

    def optional(self, name: str) -> str | None:
        """Return what stands for a name that may be left out, with `${…}` filled in."""
        return None if self.words.get(name) is None else self.word(name)

    def data(self) -> Any:
        """Return the data below the sentence, or None."""
        return values.data_of(self.step, self.world.lookup)

    @property
    def has_data(self) -> bool:
        """Tell whether there is a table or a doc string below the sentence."""
        return self.step.table is not None or self.step.doc is not None

    def process(self) -> Process:
        """Return the process or sub-process that is meant, started if it was not."""
        inner = self.optional("inner")
        process = self.world.start(self.optional("process"))
        return process if inner is None else self.world.inside(process.id, inner)

    def moment(self) -> int:
        """Return the moment that the sentence names, in milliseconds since 1970.

        Raises:
            InvalidFeatureError: It is none.
        """
        try:
            return from_iso(self.word("moment"))
        except InvalidError as error:
            raise InvalidFeatureError(error.message, hint=error.hint) from None

    def set_clock(self) -> None:
        """Set the clock to the moment of the sentence, if it names one; nothing else happens then."""
        if self.optional("moment") is not None:
            self.world.now = self.moment()

    def check(self, value: Any, what: str) -> None:
        """Compare a value with the table below the sentence, path by path, or with its doc string as a whole.

        Raises:
            UnmetError: It is another one.
        """
        if self.step.table is not None:
            values.expect(values.pairs_of(self.step, self.world.lookup), value, what)
        elif self.step.doc is not None:
            values.expect([("$", self.data())], value, what)


def check_response(scenario: Scenario, action: str, key: str | None) -> None:
    """See that an action is known, and has this response, if one is named. Raises what `check_known` raises."""
    check_known(scenario, "action", action)
    responses = scenario.actions[action].responses
    if key is not None and key not in responses:
        names = ", ".join(quote(name) for name in sorted(responses))
        raise InvalidFeatureError(
            f"The action {quote(action)} has no response {quote(key)}.",
            hint=f"{near(key, sorted(responses))}It has {names}.",
        )
