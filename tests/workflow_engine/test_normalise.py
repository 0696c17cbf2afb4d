import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scenarios
from eventchain.core import canonical_json
from workflow_engine.action_kinds import action_kind
from workflow_engine.errors import InvalidScenarioError
from workflow_engine.normalise import DRAFT_07, DRAFT_2020_12, LTO_SCENARIO, OWN_SCENARIO, normalise, scenario_id

LTO = "https://specs.livecontracts.io/v0.2.0"
STATE = {
    "title": None,
    "description": None,
    "instructions": {},
    "actions": [],
    "transitions": [],
    "timeout": None,
    "display": "always",
}
UPDATE = {"select": "assets.offer", "patch": True, "data": None, "projection": None}


def own(**members):
    return {"$schema": OWN_SCENARIO, **members}


def lto(**members):
    return {"$schema": LTO_SCENARIO, **members}


def problems(document):
    with pytest.raises(InvalidScenarioError) as caught:
        normalise(document)
    return [(problem.path, problem.message) for problem in caught.value.problems]


def only_problem(document):
    found = problems(document)
    assert len(found) == 1, found
    return found[0]


class TestDefaults:
    def test_empty_scenario_of_our_dialect(self):
        assert normalise(own()) == {
            "$schema": OWN_SCENARIO,
            "id": None,
            "title": None,
            "description": None,
            "actors": {},
            "actions": {},
            "allow_actions": [],
            "states": {":success": STATE, ":failed": STATE, ":cancelled": STATE},
            "assets": {},
            "definitions": {},
            "scenarios": {},
        }

    def test_empty_scenario_of_lto(self):
        form = normalise(lto())
        assert form["$schema"] == LTO_SCENARIO
        assert set(form["states"]) == {":success", ":failed", ":cancelled"}
        assert "scenarios" not in form

    def test_action_of_our_dialect(self):
        assert normalise(own(actions={"go": {}}))["actions"]["go"] == {
            "$schema": "urn:livecontract:action:manual",
            "title": None,
            "label": None,
            "description": None,
            "actors": [],
            "condition": True,
            "responses": {"ok": {"title": None, "display": "always", "update": [], "schema": None, "ui_schema": None}},
            "default_response": "ok",
            "determine_response": None,
            "priority": 0,
            "system": False,
            "performative": True,
            "context": None,
            "when": "immediately",
        }

    def test_action_of_lto(self):
        assert normalise(lto(actions={"go": {}}))["actions"]["go"] == {
            "$schema": f"{LTO}/action/schema.json#",
            "title": None,
            "label": None,
            "description": None,
            "actors": [],
            "condition": True,
            "responses": {"ok": {"title": None, "display": "always", "update": []}},
            "default_response": "ok",
            "determine_response": None,
        }

    def test_what_nodes_run_is_a_system_action_and_informs_only(self):
        action = normalise(own(actions={"a": {"$schema": "urn:livecontract:action:nop"}}))["actions"]["a"]
        assert (action["system"], action["performative"]) == (True, False)
        action = normalise(own(actions={"a": {"system": True}}))["actions"]["a"]
        assert (action["system"], action["performative"]) == (True, False)

    def test_schemas_say_their_dialect_and_type(self):
        form = normalise(own(actors={"a": {}}, assets={"b": {"type": "string"}, "c": {"$ref": "#/$defs/x"}}))
        assert form["actors"]["a"] == {"$schema": DRAFT_2020_12, "type": "object", "priority": 0}
        assert form["assets"]["b"] == {"$schema": DRAFT_2020_12, "type": "string"}
        assert form["assets"]["c"] == {"$schema": DRAFT_2020_12, "$ref": "#/$defs/x"}
        form = normalise(lto(actors={"a": {}}, assets={"b": {"$schema": "http://json-schema.org/schema#"}}))
        assert form["actors"]["a"] == {"$schema": DRAFT_07, "type": "object"}
        assert form["assets"]["b"] == {"$schema": "http://json-schema.org/schema#", "type": "object"}

    def test_null_is_absent(self):
        full = normalise(own(actions={"go": {}}, states={"initial": {}}))
        action = dict.fromkeys(full["actions"]["go"])
        state = dict.fromkeys(full["states"]["initial"])
        members = dict.fromkeys(["id", "title", "actors", "allow_actions", "assets", "definitions", "scenarios"])
        assert normalise(own(**members, actions={"go": action}, states={"initial": state})) == full

    def test_empty_lists_are_empty_objects(self):
        assert normalise(lto(actors=[], assets=[], states={"initial": {"instructions": []}})) == normalise(
            lto(states={"initial": {}})
        )

    def test_no_responses_at_all_stays_so(self):
        assert normalise(own(actions={"go": {"responses": {}}}))["actions"]["go"]["responses"] == {}


class TestShortForms:
    @pytest.mark.parametrize("dialect", [own, lto])
    @pytest.mark.parametrize(
        ("short", "full"),
        [
            ({"action": "a"}, {"actions": ["a"]}),
            ({"actions": "a"}, {"actions": ["a"]}),
            ({"transition": "x"}, {"transitions": [{"transition": "x"}]}),
            ({"transitions": "x"}, {"transitions": [{"transition": "x"}]}),
            ({"transition": {"transition": "x", "action": "a"}}, {"transitions": [{"transition": "x", "action": "a"}]}),
            ({"transitions": ["x", {"transition": "y"}]}, {"transitions": [{"transition": "x"}, {"transition": "y"}]}),
            (
                {"transition": "x"},
                {"transitions": [{"transition": "x", "action": None, "response": None, "condition": None}]},
            ),
        ],
    )
    def test_states(self, dialect, short, full):
        short_form = canonical_json.encode(normalise(dialect(states={"initial": short})))
        assert short_form == canonical_json.encode(normalise(dialect(states={"initial": full})))

    @pytest.mark.parametrize("dialect", [own, lto])
    @pytest.mark.parametrize(
        ("short", "full"),
        [
            ({"actor": "a"}, {"actors": ["a"]}),
            ({"actors": "a"}, {"actors": ["a"]}),
            ({"update": "assets.offer"}, {"responses": {"ok": {"update": [UPDATE]}}}),
            ({"update": {"select": "assets.offer"}}, {"responses": {"ok": {"update": [UPDATE]}}}),
            ({"update": ["assets.offer"]}, {"responses": {"ok": {"update": "assets.offer"}}}),
            (
                {"update": "assets.offer", "responses": {"yes": {}, "no": {"update": []}}},
                {"responses": {"yes": {"update": "assets.offer"}, "no": {}}},
            ),
            (
                {"display": "once", "responses": {"yes": {}, "no": {"display": "never"}}},
                {"responses": {"yes": {"display": "once"}, "no": {"display": "never"}}},
            ),
            ({"responses": [{"key": "yes", "title": "Yes"}]}, {"responses": {"yes": {"title": "Yes"}}}),
        ],
    )
    def test_actions(self, dialect, short, full):
        assert normalise(dialect(actions={"go": short})) == normalise(dialect(actions={"go": full}))

    @pytest.mark.parametrize("dialect", [own, lto])
    def test_lists_with_keys(self, dialect):
        listed = dialect(
            actors=[{"key": "a", "title": "A"}],
            actions=[{"key": "go", "actor": "a", "responses": [{"key": "ok"}]}],
            states=[{"key": "initial", "action": "go"}],
            assets=[{"key": "x", "type": "string"}],
            definitions=[{"key": "d", "value": 1}],
        )
        keyed = dialect(
            actors={"a": {"title": "A"}},
            actions={"go": {"key": "go", "actor": "a", "responses": {"ok": {}}}},
            states={"initial": {"action": "go"}},
            assets={"x": {"type": "string"}},
            definitions={"d": {"value": 1}},
        )
        assert normalise(listed) == normalise(keyed)

    def test_item_without_key_gets_its_index_in_lto_only(self):
        assert list(normalise(lto(actors=[{"title": "A"}, {"key": "b"}]))["actors"]) == ["0", "b"]
        assert only_problem(own(actors=[{"title": "A"}]))[0] == "$.actors[0]"

    def test_lto_details(self):
        form = normalise(
            {
                "$schema": LTO_SCENARIO.rstrip("#"),
                "meta": {"a": 1},
                "definitions": {"limit": 5},
                "actions": {
                    "call": {"$schema": f"{LTO}/action/http/schema.json", "url": "http://x", "display": True},
                    "hide": {"display": False, "color": "red"},
                    "other": {"$schema": "https://example.com/action"},
                },
            }
        )
        assert form["$schema"] == LTO_SCENARIO
        assert form["meta"] == {"a": 1}
        assert form["definitions"] == {"limit": {"scalar": 5}}
        assert form["actions"]["call"]["$schema"] == f"{LTO}/action/http/schema.json#"
        assert form["actions"]["call"]["url"] == "http://x"
        assert form["actions"]["call"]["responses"]["ok"]["display"] == "always"
        assert form["actions"]["hide"]["responses"]["ok"]["display"] == "never"
        assert form["actions"]["hide"]["color"] == "red"
        assert form["actions"]["other"]["$schema"] == "https://example.com/action"

    def test_definitions_of_our_dialect_are_kept_as_they_are(self):
        assert normalise(own(definitions={"a": 5, "b": [1], "c": {"d": 1}}))["definitions"] == {
            "a": 5,
            "b": [1],
            "c": {"d": 1},
        }


class TestKinds:
    @pytest.mark.parametrize(
        ("schema", "kind"),
        [
            (f"{LTO}/action/schema.json#", "manual"),
            (f"{LTO}/action/http/schema.json#", "http"),
            (f"{LTO}/action/nop/schema.json", "nop"),
            (f"{LTO}/action/event/schema.json#", "event"),
            ("https://specs.livecontracts.io/v0.1.0/action/schema.json#http", "manual"),
            ("urn:livecontract:action:manual", "manual"),
            ("urn:livecontract:action:http", "http"),
            ("urn:livecontract:action:sudo", "manual"),
            ("https://example.com/http", "manual"),
        ],
    )
    def test_kind_follows_the_schema(self, schema, kind):
        assert action_kind(schema) == kind

    def test_our_dialect_takes_the_urls_of_lto(self):
        action = {"$schema": f"{LTO}/action/http/schema.json#", "url": "http://x"}
        form = normalise(own(actions={"a": action}))
        assert form == normalise(own(actions={"a": {**action, "$schema": "urn:livecontract:action:http"}}))

    def test_our_dialect_refuses_other_kinds(self):
        assert only_problem(own(actions={"a": {"$schema": "https://example.com/x"}}))[0] == "$.actions.a.$schema"


class TestOurDialectIsStrict:
    @pytest.mark.parametrize(
        ("document", "path"),
        [
            (own(titel="x"), "$.titel"),
            (own(key="x"), "$.key"),
            (own(states={"s": {"transitions": [{"key": "x", "transition": "y"}]}}), "$.states.s.transitions[0].key"),
            (own(states={"initial": {"goto": "x"}}), "$.states.initial.goto"),
            (own(states=[{"key": "initial", "goto": "x"}]), "$.states[0].goto"),
            (own(actions={"a": {"url": "http://x"}}), "$.actions.a.url"),
            (own(actions={"a": {"responses": {"ok": {"x": 1}}}}), "$.actions.a.responses.ok.x"),
            (own(actions={"a": {"update": {"select": "title", "set": 1}}}), "$.actions.a.update.set"),
            (
                own(states={"initial": {"transitions": [{"transition": "x", "if": 1}]}}),
                "$.states.initial.transitions[0].if",
            ),
            (own(scenarios={"sub": own(titel="x")}), "$.scenarios.sub.titel"),
        ],
    )
    def test_unknown_member_is_refused_with_its_place(self, document, path):
        assert only_problem(document)[0] == path

    def test_a_guess_is_offered(self):
        assert 'Did you mean "title"?' in only_problem(own(titel="x"))[1]

    def test_members_starting_with_x_are_kept(self):
        form = normalise(own(**{"x-color": "red"}, states={"initial": {"x-place": [1, 2]}}))
        assert form["x-color"] == "red"
        assert form["states"]["initial"]["x-place"] == [1, 2]

    @pytest.mark.parametrize(
        ("document", "path"),
        [
            (own(title=3), "$.title"),
            (own(actors=3), "$.actors"),
            (own(actors={"a": 3}), "$.actors.a"),
            (own(actors={"a": {"priority": "high"}}), "$.actors.a.priority"),
            (own(actors={"a": {"priority": True}}), "$.actors.a.priority"),
            (own(actors={"a": {"priority": 1e300}}), "$.actors.a.priority"),
            (own(actions={"a": {"priority": 1.5}}), "$.actions.a.priority"),
            (own(actions={"a": {"when": "later"}}), "$.actions.a.when"),
            (own(actions={"a": {"performative": "yes"}}), "$.actions.a.performative"),
            (own(actions={"a": {"condition": "x"}}), "$.actions.a.condition"),
            (own(actions={"a": {"actors": [3]}}), "$.actions.a.actors[0]"),
            (own(actions={"a": {"actor": "b", "actors": ["b"]}}), "$.actions.a.actor"),
            (own(actions={"a": {"update": {"patch": False}}}), "$.actions.a.update"),
            (own(actions={"a": {"update": [1]}}), "$.actions.a.update[0]"),
            (own(actions={"a": {"responses": {"ok": {"schema": 3}}}}), "$.actions.a.responses.ok.schema"),
            (own(actions={"a": {"responses": {"ok": {"display": True}}}}), "$.actions.a.responses.ok.display"),
            (own(states={"s": {"transitions": [{}]}}), "$.states.s.transitions[0]"),
            (own(states={"s": {"timeout": 3}}), "$.states.s.timeout"),
            (own(states={"s": {"instructions": {"a": 3}}}), "$.states.s.instructions.a"),
            (own(states={"s": {"key": "t"}}), "$.states.s"),
            (own(states=[{"key": "s"}, {"key": "s"}]), "$.states[1]"),
            (own(allow_actions=[1]), "$.allow_actions[0]"),
            (own(scenarios={"a": 3}), "$.scenarios.a"),
        ],
    )
    def test_wrong_value_is_refused_with_its_place(self, document, path):
        assert problems(document)[0][0] == path


class TestWhichDialect:
    @pytest.mark.parametrize(
        "document",
        [{}, {"$schema": None}, {"$schema": "https://specs.letsflow.io/v0.3.0/scenario#"}, {"$schema": 3},
         {"$schema": "urn:livecontract:scenario:2"}, {"$schema": LTO_SCENARIO + "x"}, {"$schema": []}],
    )  # fmt: skip
    def test_others_are_refused_naming_both(self, document):
        path, message = only_problem(document)
        assert path == "$.$schema"
        assert OWN_SCENARIO in message
        assert LTO_SCENARIO in message

    def test_version_0_1_0_is_told_what_to_change(self):
        message = only_problem({"$schema": "https://specs.livecontracts.io/v0.1.0/scenario/schema.json#"})[1]
        for word in ("initial", "projection", "current.response.data", "title", "default_action"):
            assert word in message

    @pytest.mark.parametrize("document", [None, 1, "x", True, [], [{}]])
    def test_what_is_no_object_is_refused(self, document):
        assert only_problem(document)[0] == "$"

    def test_sub_scenarios_as_a_list(self):
        listed = own(scenarios=[{**own(title="Sub"), "key": "sub"}])
        assert normalise(listed) == normalise(own(scenarios={"sub": own(title="Sub")}))

    def test_sub_scenario_may_be_of_the_other_dialect(self):
        form = normalise(own(scenarios={"sub": lto(meta=1, states=[{"key": "initial"}])}))
        assert form["scenarios"]["sub"] == normalise(lto(meta=1, states={"initial": {}}))


def shuffled(value, source):
    if isinstance(value, dict):
        keys = list(value)
        source.shuffle(keys)
        return {key: shuffled(value[key], source) for key in keys}
    return [shuffled(item, source) for item in value] if isinstance(value, list) else value


class TestIdentity:
    @pytest.mark.parametrize("name", scenarios.names())
    def test_normalising_twice_is_normalising_once(self, name):
        form = normalise(scenarios.load(name))
        assert normalise(form) == form

    @pytest.mark.parametrize("name", scenarios.names())
    def test_order_of_members_means_nothing(self, name):
        document = scenarios.load(name)
        wanted = scenario_id(normalise(document))
        for seed in range(3):
            assert scenario_id(normalise(shuffled(document, random.Random(seed)))) == wanted

    def test_order_of_actions_and_transitions_is_meaning(self):
        ids = {
            scenario_id(normalise(own(states={"initial": state})))
            for state in (
                {"actions": ["a", "b"]},
                {"actions": ["b", "a"]},
                {"transitions": ["x", "y"]},
                {"transitions": ["y", "x"]},
            )
        }
        assert len(ids) == 4

    def test_published_ids(self):
        """A change here changes the name of every scenario, and with it what nodes agree on."""
        assert scenario_id(normalise(own())) == "H1JwkvhhY7tVxkStCCnadbQkuXNe846FEb5YScPG2Ghw"
        assert scenario_id(normalise(lto())) == "9iCSidLkVDvjRV1C6MsWNTpRvKPzcrqqQ6gmMByFbRtg"
        document = own(
            title="Handshake",
            actors={"one": {}, "two": {"priority": 2}},
            actions={"shake": {"actors": ["one", "two"], "update": "assets.hands"}},
            states={"initial": {"action": "shake", "transition": ":success"}},
            assets={"hands": {"type": "integer", "default": 0}},
        )
        assert scenario_id(normalise(document)) == "FfBVbtofZNzuo1jTg72FXCeTEnALKpxQV5TqZ47CNx8L"

    def test_document_is_not_changed(self):
        document = own(actions={"go": {"update": "title"}}, states={"initial": {"action": "go"}})
        before = canonical_json.encode(document)
        normalise(document)
        assert canonical_json.encode(document) == before


WORDS = st.sampled_from(["a", "b", "ok", "title", "x-y"])
TEXTS = st.none() | st.sampled_from(["text", ""]) | st.just({"<ref>": "title"})
UPDATES = st.recursive(
    st.sampled_from(["title", "assets.a"])
    | st.fixed_dictionaries({"select": st.just("title")}, optional={"patch": st.booleans()}),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=2,
).filter(lambda value: not isinstance(value, list) or all(not isinstance(item, list) for item in value))
RESPONSES = st.fixed_dictionaries(
    {}, optional={"title": TEXTS, "update": UPDATES, "display": st.sampled_from(["once", None])}
)
ACTIONS = st.fixed_dictionaries(
    {},
    optional={
        "title": TEXTS,
        "actors": WORDS | st.lists(WORDS, max_size=2),
        "condition": st.booleans() | st.none() | st.just({"<eval>": "a"}),
        "update": UPDATES,
        "display": st.sampled_from(["never", None]),
        "responses": st.dictionaries(WORDS, RESPONSES, max_size=2),
        "x-more": st.integers(0, 3),
    },
)
TRANSITIONS = WORDS | st.fixed_dictionaries(
    {"transition": WORDS}, optional={"action": WORDS, "response": st.none() | WORDS}
)
STATES = st.fixed_dictionaries(
    {},
    optional={
        "title": TEXTS,
        "action": WORDS,
        "transitions": TRANSITIONS | st.lists(TRANSITIONS, max_size=2),
        "instructions": st.dictionaries(WORDS, TEXTS, max_size=2),
        "timeout": st.sampled_from(["P1D", None]),
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {"$schema": st.sampled_from([OWN_SCENARIO, LTO_SCENARIO])},
    optional={
        "title": st.none() | st.just("T"),
        "actors": st.dictionaries(WORDS, st.just({}), max_size=2),
        "actions": st.dictionaries(WORDS, ACTIONS, max_size=2),
        "states": st.dictionaries(WORDS, STATES, max_size=3),
        "allow_actions": st.lists(WORDS, max_size=2),
    },
)


def listed(collection):
    return [{**item, "key": key} for key, item in collection.items()]


class TestProperties:
    @settings(max_examples=150, deadline=None)
    @given(DOCUMENTS)
    def test_idempotent(self, document):
        form = normalise(document)
        assert normalise(form) == form

    @settings(max_examples=150, deadline=None)
    @given(DOCUMENTS, st.randoms(use_true_random=False))
    def test_list_and_object_form_give_the_same_bytes(self, document, source):
        other = {
            name: listed(value) if name in ("actors", "actions", "states") else value
            for name, value in shuffled(document, source).items()
        }
        assert canonical_json.encode(normalise(other)) == canonical_json.encode(normalise(document))
