"""The vocabulary of features: every sentence, and what it does, in one table.

In a sentence `{name}` stands for something in double quotes, `[…]` may be left out, `a(n)` is `a` or `an`, and of words
in parentheses one is chosen. The sentences are those of the reference's testers; a few are ours: time that passes, what
cannot be done, and everything that is possible.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from workflow_engine.testing import adapting, checking, doing, papers
from workflow_engine.testing.errors import InvalidFeatureError
from workflow_engine.testing.feature import Step
from workflow_engine.testing.said import Said, Words

_GIVING = "[ giving a(n) {response} response]"
_OF = "[ of the {process} process]"
_IN = "[ in the {inner} sub-process]"
_INNER = f"the {{inner}} sub-process{_OF}"
_ON = "[ on the {process} process]"
_TO = "[ to the deviation {deviation}]"
_AT = "[ at {moment}]"
_WHY = "[ because {reason}]"
_BARE = ("duration", "status", "method", "count", "unit")
"""Names whose value may stand without quotes: `P14D`, `200`, `GET`, `7 days`."""

_NEAR = 0.4
"""How like a known sentence an unknown one is at least, for the known one to be named."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence.

    Attributes:
        text: As the vocabulary writes it.
        run: Does it.
    """

    text: str
    run: Callable[[Said], None]


# The first one that fits counts: where a value may stand without quotes, the sentences that say a word come first.
SENTENCES: tuple[Sentence, ...] = (
    Sentence("a chain is created by {person}", doing.create_chain),
    Sentence("{person} is present[ with:]", doing.be_present),
    Sentence("{person} signs with[ the] {key}[ key]", doing.sign_with),
    Sentence("{person} creates the {process} process using the {scenario} scenario", doing.create_process),
    Sentence(f"[the ]{{person}} is[ also] the {{actor}} actor{_OF}[ with:]", doing.play_actor),
    Sentence("the[ {process}] process has[ (the/an/a)] asset {asset}[ with:]", doing.have_asset),
    Sentence("the[ {process}] process is started", doing.start_process),
    Sentence("it is {moment}", doing.set_clock),
    Sentence(f"{{person}} runs the {{action}} action{_IN}{_OF}{_GIVING}{_AT}[ with:]", doing.run_action),
    Sentence(f"the node of {{person}} runs the {{action}} action{_IN}{_OF}", doing.run_by_node),
    Sentence("[the ]nodes do what waits", doing.let_work),
    Sentence("the node of {person} is down", doing.let_be_down),
    Sentence("the node of {person} is up again", doing.let_be_up),
    Sentence("the service {url} answers later[ giving a(n) {response} response][ with:]", doing.answer_later),
    Sentence("the service {url} answers {status}[ with:]", doing.let_answer),
    Sentence("the service {url} does not answer", doing.let_be_silent),
    Sentence("a(n) {method} request (has been/was) (sent/send) to {url}[ with:]", doing.see_request),
    Sentence("that request (received/receives) a(n) {status} response[ with:]", doing.answer_request),
    Sentence("that request (failed/fails)", doing.fail_request),
    Sentence("a(n) {method} request to {url} (received/receives) a(n) {status} response[ with:]", doing.see_and_answer),
    Sentence("{person} accepts the invitation[ sent to {email}]", doing.accept_invitation),
    Sentence("an invitation (has been/was) sent to {email}[ with:]", doing.see_invitation),
    Sentence(f"{{person}} proposes the deviation {{deviation}}{_IN}{_OF}{_AT}[ with:]", adapting.propose),
    Sentence(f"{{person}} proposes this deviation{_IN}{_OF}{_AT}:", adapting.propose_this),
    Sentence(f"{{person}} agrees{_TO}{_IN}{_OF}{_AT}", adapting.agree),
    Sentence(f"{{person}} refuses[ the deviation {{deviation}}]{_IN}{_OF}{_WHY}{_AT}", adapting.refuse),
    Sentence(f"{{person}} withdraws the deviation[ {{deviation}}]{_IN}{_OF}{_WHY}{_AT}", adapting.withdraw),
    Sentence(f"{{person}} cannot propose the deviation {{deviation}}{_IN}{_OF}[ with:]", adapting.cannot_propose),
    Sentence(f"{{person}} cannot agree{_TO}{_IN}{_OF}", adapting.cannot_agree),
    Sentence(f"the deviation[ {{deviation}}]{_IN}{_OF} is {{standing}}", adapting.is_standing),
    Sentence(f"the deviation[ {{deviation}}]{_IN}{_OF} waits for {{persons}}", adapting.waits_for),
    Sentence(f"{{person}} comments {{text}}{_IN}{_ON}[ in reply to {{comment}}]", adapting.comment),
    Sentence(f"{{person}} comments{_IN}{_ON}[ in reply to {{comment}}]{_AT} with:", adapting.comment_this),
    Sentence(f"{{person}} has commented {{text}}{_IN}{_ON}[ in the {{state}} state]", adapting.has_commented),
    Sentence("{duration} (pass/passes)", doing.let_pass),
    Sentence(f"the time of the state{_IN}{_OF} is over", doing.time_out),
    Sentence(f"the deadline{_IN}{_OF} passes", doing.time_out),
    Sentence("{count} {unit} (pass/passes)", doing.let_pass_in_words),
    Sentence("the {actor} actor[ (of/in) the {process} process] has:", checking.actor_has),
    Sentence(f"the document {{asset}}{_OF} says {{text}}", papers.document_says),
    Sentence(f"the document {{asset}}{_OF} does not say {{text}}", papers.document_does_not_say),
    Sentence("the[ {process}] process has:", checking.process_has),
    Sentence("the[ {process}] process is in the {state} state", checking.is_in_state),
    Sentence("the[ {process}] process is completed", checking.is_completed),
    Sentence("the[ {process}] process is cancelled", checking.is_cancelled),
    Sentence("the[ {process}] process has failed", checking.has_failed),
    Sentence(f"{{title}} is in the history{_OF}", checking.is_in_history),
    Sentence(f"{{title}} is not in the history{_OF}", checking.is_not_in_history),
    Sentence(f"{{person}} may run the {{action}} action{_IN}{_OF}", checking.may_run),
    Sentence(f"{{person}} cannot run the {{action}} action{_IN}{_OF}{_GIVING}[ with:]", checking.cannot_run),
    Sentence(f"the possible actions{_IN}{_OF} are:", checking.possible_actions),
    Sentence(f"no action{_IN}{_OF} is possible", checking.no_action),
    Sentence(f"{_INNER} has:", checking.process_has),
    Sentence(f"{_INNER} is in the {{state}} state", checking.is_in_state),
    Sentence(f"{_INNER} is completed", checking.is_completed),
    Sentence(f"{_INNER} is cancelled", checking.is_cancelled),
    Sentence(f"{_INNER} has failed", checking.has_failed),
    Sentence(f"{_INNER} is abandoned", checking.is_abandoned),
)  # fmt: skip


Bound = tuple[Step, Sentence, Words]
"""A step, the sentence that it is, and what stands in it for the names of the sentence."""


def bind(step: Step) -> Bound:
    """Find the sentence that a step is.

    Raises:
        InvalidFeatureError: There is none; the error names the nearest one, not the file.
    """
    for sentence in SENTENCES:
        match = _pattern(sentence.text).fullmatch(step.text)
        if match is not None:
            _check_data(step, sentence)
            return step, sentence, _words(match.groupdict())
    raise InvalidFeatureError(f"No sentence reads: {step.text[:200]}", line=step.line, hint=_nearest(step.text))


def _check_data(step: Step, sentence: Sentence) -> None:
    """See that a sentence that ends with a colon has data below it, and no other has."""
    has_data = step.table is not None or step.doc is not None
    if step.text.endswith(":") and not has_data:
        raise InvalidFeatureError("After the colon, a table or a doc string is missing.", line=step.line)
    if has_data and not step.text.endswith(":"):
        more = "end it with ` with:`" if "[ with:]" in sentence.text else "it takes none"
        raise InvalidFeatureError(f"The sentence has data below it, and does not say so: {more}.", line=step.line)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """Compile a sentence."""
    parts = []
    for part in re.findall(r"\{\w+\}|a\(n\)|\([^()]*\)|.", text):
        if len(part) == 1:
            parts.append({"[": "(?:", "]": ")?"}.get(part, re.escape(part)))
        elif part.startswith("{"):
            parts.append(_value(part[1:-1]))
        elif part == "a(n)":
            parts.append("an?")
        else:
            parts.append("(?:" + "|".join(re.escape(word) for word in part[1:-1].split("/")) + ")")
    return re.compile("".join(parts))


def _value(name: str) -> str:
    """Return the pattern of a value; one that may stand without quotes has a second group, `name_`, for that."""
    quoted = rf'"(?P<{name}>(?:[^"\\]|\\.){{1,1024}})"'
    return rf'(?:{quoted}|(?P<{name}_>[^"\s]{{1,64}}))' if name in _BARE else quoted


def _words(found: Mapping[str, str | None]) -> Words:
    """Return what stands for each name, without the quotes and what they escape."""
    words = {name: text and re.sub(r"\\(.)", r"\1", text) for name, text in found.items() if not name.endswith("_")}
    return words | {name[:-1]: text for name, text in found.items() if name.endswith("_") and text is not None}


def _nearest(text: str) -> str:
    """Return a hint: the known sentence that is most like this one."""
    known = {re.sub(r"\{\w+\}", '"…"', form): item.text for item in SENTENCES for form in _forms(item.text)}
    near = difflib.get_close_matches(re.sub(r'"[^"]*"', '"…"', text[:400]), known, n=1, cutoff=_NEAR)
    if not near:
        return "docs/testing-scenarios.md lists the sentences; names stand in double quotes."
    unquoted = "" if '"' in text else "Names stand in double quotes. "
    return f"{unquoted}The nearest one is: {shown(known[near[0]])}"


def _forms(text: str) -> list[str]:
    """Return a sentence with and without each of the parts that may be left out."""
    parts = re.split(r"\[([^]]*)\]", text.replace("a(n)", "an"))
    forms = [parts[0]]
    for part, rest in zip(parts[1::2], parts[2::2], strict=True):
        forms = [form + said + rest for form in forms for said in ("", part)]
    return forms


def shown(sentence: str) -> str:
    """Return a sentence of the vocabulary as people read it: its names in quotes."""
    return re.sub(r"\{(\w+)\}", r'"\1"', sentence)
