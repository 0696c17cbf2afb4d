"""Who may add which event: membership and privileges, as of the event's place on its chain.

1. The first event is the identity of the chain's creator and holds the key that signed it (paper section 10.2).
2. Every other event is signed by a key that an identity of the chain holds at that place.
3. An identity event changes the signer's own identity or adds a new one. It changes another only as the doing of an
   action of a process, which it names as `process` and `action` (paper section 6.2). Whether that action was to be
   done, by this signer and with this content, the workflow engine decides, on every node alike; not these rules.
4. A one-time key does one thing: replace itself by the invitee's own `user` and `system` keys (paper section 6.1).
5. A restricted identity adds only what one of its privileges covers, and can give nobody more than it has.

LTO's service lists privileges and drops them; here an event outside them is refused by every node alike.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from eventchain.chain import EventChain, Problem
from eventchain.core import base58
from eventchain.core.entry import NEW, OTHER, OWN, action_named
from eventchain.core.errors import LiveContractError
from eventchain.core.ids import Generation
from eventchain.errors import NotMemberError, PrivilegeError
from eventchain.event import Event
from eventchain.identity import (
    ONE_TIME_KEY,
    SYSTEM_KEY,
    USER_KEYS,
    Identities,
    Identity,
    Privilege,
    is_identity,
    read_identity,
)

ALWAYS_ALLOWED = frozenset({"$schema", "id", "timestamp"})
"""Members of a body that `only` and `not` do not touch."""


def validate_event(identities: Identities, key: str, body: Mapping[str, Any]) -> tuple[Identity, Identities]:
    """Check that the holder of a key may add an event with this body.

    Args:
        identities: As of just before the event; without any, the event is the first one.
        key: The public key that signed the event, base58.
        body: The event's JSON object.

    Returns:
        The identity that signed, and all identities after the event.

    Raises:
        NotMemberError: No identity holds the key.
        PrivilegeError: The identity may not add this.
        InvalidIdentityError: An identity event is malformed.
    """
    schema = body.get("$schema")
    if not identities.by_id:
        return _validate_first(key, body)
    signer = identities.holder(key)
    if signer is None:
        raise NotMemberError(
            f"the key {key} belongs to no identity of this chain",
            hint="Take an invitation, or let a member add your identity.",
        )
    if not is_identity(schema if isinstance(schema, str) else None):
        _validate_no_one_time_key(signer, key)
        _validate_privileges(signer, key, body)
        return signer, identities
    if body.get("id") == signer.id:
        _validate_own_identity(signer, key, body)
    else:
        _validate_no_one_time_key(signer, key)
        _validate_privileges(signer, key, body)
        _validate_other_identity(identities, signer, body)
    return signer, identities.apply(body)


def change_of(identities: Identities, signer: Identity, body: Mapping[str, Any]) -> str | None:
    """Return what an event changes, as `Entry.identity_change` says it.

    Args:
        identities: As of just before the event.
        signer: Who signed it.
        body: The event's JSON object, which was validated.
    """
    schema = body.get("$schema")
    if not is_identity(schema if isinstance(schema, str) else None):
        return None
    if body["id"] == signer.id:
        return OWN
    return OTHER if body["id"] in identities.by_id else NEW


def _validate_first(key: str, body: Mapping[str, Any]) -> tuple[Identity, Identities]:
    schema = body.get("$schema")
    if not is_identity(schema if isinstance(schema, str) else None):
        raise PrivilegeError("the first event of a chain should be the identity of its creator", path="$.$schema")
    identities = Identities().apply(body)
    creator = identities.holder(key)
    if creator is None:
        raise NotMemberError("the first identity should hold the key that signs the first event", path="$.signkeys")
    return creator, identities


def _validate_no_one_time_key(signer: Identity, key: str) -> None:
    if ONE_TIME_KEY in signer.key_names(key):
        raise PrivilegeError(
            "a one-time key can only replace itself", hint="Take the invitation first: give your own keys."
        )


def _validate_own_identity(signer: Identity, key: str, body: Mapping[str, Any]) -> None:
    changes = read_identity(body)
    if signer.privileges is not None and changes.get("privileges", signer.privileges) != signer.privileges:
        raise PrivilegeError("an identity cannot change its own privileges", path="$.privileges")
    if ONE_TIME_KEY in signer.key_names(key):
        names = set(changes.get("sign_keys", {}))
        if ONE_TIME_KEY in names or SYSTEM_KEY not in names or not names & USER_KEYS:
            raise PrivilegeError("a one-time key should be replaced by own user and system keys", path="$.signkeys")
        if key in changes["sign_keys"].values():
            raise PrivilegeError("the one-time key cannot stay under another name", path="$.signkeys")


def _validate_other_identity(identities: Identities, signer: Identity, body: Mapping[str, Any]) -> None:
    changes = read_identity(body)
    known = identities.by_id.get(changes["id"])
    if known is not None and action_named(body) is None:
        raise PrivilegeError(
            f"only {known.id} itself can change its identity, or an action of a process that the event names",
            path="$.id",
            hint="Choose a new id to add a party.",
        )
    if signer.privileges is None:
        return
    gives = known is None or bool(changes.get("sign_keys")) or "privileges" in changes
    if gives and changes.get("privileges", known and known.privileges) != signer.privileges:
        raise PrivilegeError("a restricted identity gives others its own privileges only", path="$.privileges")


def _validate_privileges(signer: Identity, key: str, body: Mapping[str, Any]) -> None:
    if signer.privileges is None:
        return
    names = signer.key_names(key)
    matching = [item for item in signer.privileges if _matches(item, names, body)]
    if not matching:
        raise PrivilegeError(f"the identity {signer.id} has no privilege for this event", path="$.$schema")
    refused = [name for name in body if name not in ALWAYS_ALLOWED and not any(_covers(p, name) for p in matching)]
    if refused:
        raise PrivilegeError(
            f"the identity {signer.id} may not set {', '.join(sorted(refused))}", path=f"$.{min(refused)}"
        )


def _matches(privilege: Privilege, key_names: frozenset[str], body: Mapping[str, Any]) -> bool:
    schema, id_ = body.get("$schema"), body.get("id")
    return (
        (privilege.schema is None or privilege.schema == schema)
        and (privilege.id is None or id_ is None or privilege.id == id_)
        and (privilege.key_name is None or privilege.key_name in key_names)
    )


def _covers(privilege: Privilege, member: str) -> bool:
    """Whether one privilege lets a member pass: allow-lists add up, a member stays refused only where all refuse it."""
    return member not in privilege.without and (privilege.only is None or member in privilege.only)


def find_member_problems(chain: EventChain) -> Iterator[Problem]:
    """Yield the events of a whole chain whose signers might not add them there.

    A chain that does not start with an identity is not a live contract, and has no members. On G1 and V1 chains, whose
    nodes did not enforce more, only membership is checked.
    """
    if chain.is_partial or not chain.events or not _is_contract(chain.events[0]):
        return
    identities = Identities()
    strict = chain.id.generation is Generation.V2
    keys: set[str] = set()
    for event in chain.events:
        try:
            body = event.body()
            if strict:
                _, identities = validate_event(identities, str(event.sign_key), body)
            else:
                keys = _validate_member(keys, event, body)
        except NotMemberError as error:
            yield Problem(base58.encode(event.hash), "membership", error.message)
        except PrivilegeError as error:
            yield Problem(base58.encode(event.hash), "privilege", error.message)
        except LiveContractError as error:
            yield Problem(base58.encode(event.hash), "identity", error.message)


def _is_contract(first: Event) -> bool:
    try:
        schema = first.body().get("$schema")
    except LiveContractError:
        return False
    return isinstance(schema, str) and is_identity(schema)


def _validate_member(keys: set[str], event: Event, body: Mapping[str, Any]) -> set[str]:
    key = str(event.sign_key)
    if keys and key not in keys:
        raise NotMemberError(f"the key {key} belongs to no identity of this chain")
    schema, named = body.get("$schema"), body.get("signkeys")
    if is_identity(schema if isinstance(schema, str) else None) and isinstance(named, Mapping):
        return keys | {value for value in named.values() if isinstance(value, str)}
    return keys
