"""Identities: who takes part in a chain, folded from its identity events.

An identity is a person or organisation with keys and a node (paper section 6). An event whose body has the identity
schema adds one, or changes the members it gives and leaves the others. Clearing sign keys, encryption key and node
removes it. An event that does an action of a process names it as `process` and `action`. Key names: `user` (or LTO's
`default`) belongs to the person, `system` to the node, `one-time` to an invitation; a scenario may use more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from eventchain.core import base58
from eventchain.core.entry import action_named
from eventchain.core.errors import InvalidError
from eventchain.core.keys import KeyType, PublicKey
from eventchain.errors import InvalidIdentityError

IDENTITY_SCHEMA = "https://specs.livecontracts.io/v0.2.0/identity/schema.json#"
USER_KEYS = frozenset({"user", "default"})
SYSTEM_KEY = "system"
ONE_TIME_KEY = "one-time"

NODE_SCHEMES = frozenset({"http", "https", "amqp", "amqps"})
_MAX_ID = 256
_MAX_NODE = 2048
_MAX_KEYS = 32
_MAX_MEMBERS = 10_000
_ENCRYPT_KEY_LENGTHS = (32, 33)
"""Bytes: X25519, and what clients with a key on an ECDSA curve give in its place."""

_COMPRESSED = (2, 3)
_KNOWN = frozenset({"$schema", "id", "node", "signkeys", "encryptkey", "privileges"})
_ACTION = frozenset({"process", "action"})


def is_identity(schema: str | None) -> bool:
    """Whether a body with this `$schema` describes an identity."""
    return schema is not None and schema.rstrip("#") == IDENTITY_SCHEMA.rstrip("#")


@dataclass(frozen=True, slots=True, kw_only=True)
class Privilege:
    """What a restricted identity may add (LTO's privileges, enforced).

    Attributes:
        schema: `$schema` of the bodies it is about; None for any.
        id: `id` of the bodies it is about; None for any.
        only: The members such a body may have, or None for all.
        without: The members it may not have.
        key_name: The name of the sign key it is bound to; None for any.
    """

    schema: str | None = None
    id: str | None = None
    only: frozenset[str] | None = None
    without: frozenset[str] = frozenset()
    key_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One party of a chain, as of a certain event.

    Attributes:
        id: Chosen by who added it; never changes.
        node: URI of its node, or None.
        sign_keys: Public keys in base58 by name.
        encrypt_key: X25519 public key in base58, or None.
        privileges: None means all; an empty tuple means it may only change itself.
        info: Every other member its events gave, such as a name.
    """

    id: str
    node: str | None = None
    sign_keys: Mapping[str, str] = field(default_factory=dict)
    encrypt_key: str | None = None
    privileges: tuple[Privilege, ...] | None = None
    info: Mapping[str, Any] = field(default_factory=dict)

    def key_names(self, key: str) -> frozenset[str]:
        """Return the names under which this identity holds a public key (base58)."""
        return frozenset(name for name, held in self.sign_keys.items() if held == key)

    @property
    def system_key(self) -> str | None:
        """The public key of its node, base58."""
        return self.sign_keys.get(SYSTEM_KEY)

    @property
    def is_invited(self) -> bool:
        """Whether it has not yet replaced the one-time key of its invitation (paper section 6.1)."""
        return ONE_TIME_KEY in self.sign_keys

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form LTO clients know."""
        document: dict[str, Any] = {
            **self.info,
            "$schema": IDENTITY_SCHEMA,
            "id": self.id,
            "node": self.node,
            "signkeys": dict(self.sign_keys),
            "encryptkey": self.encrypt_key,
        }
        if self.privileges is not None:
            document["privileges"] = [_privilege_to_dict(item) for item in self.privileges]
        return document


@dataclass(frozen=True, slots=True)
class Identities:
    """All identities of a chain, as of a certain event; removed ones stay, without keys."""

    by_id: Mapping[str, Identity] = field(default_factory=dict)
    _by_key: Mapping[str, str] = field(default_factory=dict, repr=False)

    def holder(self, key: str) -> Identity | None:
        """Return the identity that holds a public key (base58), or None."""
        id_ = self._by_key.get(key)
        return None if id_ is None else self.by_id[id_]

    @property
    def members(self) -> frozenset[str]:
        """Ids of the identities that have sign keys."""
        return frozenset(self._by_key.values())

    @property
    def nodes(self) -> frozenset[str]:
        """URIs of the nodes of identities with sign keys."""
        return frozenset(item.node for item in self.by_id.values() if item.node and item.sign_keys)

    def of_node(self, system_key: str) -> tuple[Identity, ...]:
        """Return the identities that live on the node with this system key (base58)."""
        return tuple(item for item in self.by_id.values() if item.system_key == system_key)

    def apply(self, body: Mapping[str, Any]) -> "Identities":
        """Return the identities after an identity event with this body.

        Raises:
            InvalidIdentityError: The body is malformed, or claims a key another identity holds.
        """
        changes = read_identity(body)
        id_ = changes["id"]
        current = self.by_id.get(id_)
        identity = replace(current, **changes) if current else Identity(**changes)
        if current and "info" in changes:
            identity = replace(identity, info={**current.info, **changes["info"]})
        for name, key in identity.sign_keys.items():
            holder = self._by_key.get(key)
            if holder not in (None, id_):
                raise InvalidIdentityError(
                    f"the key {key} belongs to the identity {holder} on this chain",
                    path=f"$.signkeys.{name}",
                    hint="Every identity has keys of its own, also where two of them share a node.",
                )
        by_id = {**self.by_id, id_: identity}
        if len(by_id) > _MAX_MEMBERS:
            raise InvalidIdentityError(f"a chain has at most {_MAX_MEMBERS} identities")
        by_key = {key: held for key, held in self._by_key.items() if held != id_}
        by_key.update(dict.fromkeys(identity.sign_keys.values(), id_))
        return Identities(MappingProxyType(by_id), MappingProxyType(by_key))


def read_identity(body: Mapping[str, Any]) -> dict[str, Any]:
    """Read the body of an identity event into the fields of `Identity` that it gives.

    Raises:
        InvalidIdentityError: A member is malformed.
    """
    id_ = body.get("id")
    if not isinstance(id_, str) or not 0 < len(id_) <= _MAX_ID:
        raise InvalidIdentityError(f"an identity should have an id of 1 to {_MAX_ID} characters", path="$.id")
    changes: dict[str, Any] = {"id": id_}
    if "node" in body:
        changes["node"] = _read_node(body["node"])
    if "signkeys" in body:
        changes["sign_keys"] = MappingProxyType(_read_sign_keys(body["signkeys"]))
    if "encryptkey" in body:
        changes["encrypt_key"] = _read_encrypt_key(body["encryptkey"])
    if "privileges" in body:
        changes["privileges"] = _read_privileges(body["privileges"])
    known = _KNOWN | _ACTION if action_named(body) else _KNOWN
    if info := {name: value for name, value in body.items() if name not in known}:
        changes["info"] = MappingProxyType(info)
    return changes


def _read_node(value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _MAX_NODE:
        raise InvalidIdentityError("node should be the URI of a node", path="$.node")
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise InvalidIdentityError("node is not a URI", path="$.node") from None
    if parts.scheme not in NODE_SCHEMES or not host or not value.isprintable() or " " in value:
        schemes = ", ".join(sorted(NODE_SCHEMES))
        raise InvalidIdentityError(f"node should be a URI with one of the schemes {schemes}", path="$.node")
    return value.rstrip("/")


def _read_sign_keys(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > _MAX_KEYS:
        raise InvalidIdentityError(f"signkeys should be an object with at most {_MAX_KEYS} keys", path="$.signkeys")
    keys: dict[str, str] = {}
    for name, text in value.items():
        try:
            keys[name] = _read_sign_key(text)
        except InvalidError as error:
            raise InvalidIdentityError(f"not a public key: {error.message}", path=f"$.signkeys.{name}") from None
    return keys


def _read_sign_key(text: object) -> str:
    """Read a public key: Ed25519, or a compressed point of the ECDSA curves, whose type only an event tells."""
    raw = base58.decode(text, name="key")
    if len(raw) == KeyType.SECP256K1.key_length and raw[0] in _COMPRESSED:
        return base58.encode(raw)
    return str(PublicKey(raw))


def _read_encrypt_key(value: object) -> str | None:
    if value is None or value == "":
        return None
    raw = base58.decode(value, name="encryptkey", path="$.encryptkey")
    if len(raw) not in _ENCRYPT_KEY_LENGTHS:
        raise InvalidIdentityError(f"encryptkey has {len(raw)} bytes; an X25519 key has 32", path="$.encryptkey")
    return base58.encode(raw)


def _read_privileges(value: object) -> tuple[Privilege, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise InvalidIdentityError("privileges should be a list", path="$.privileges")
    return tuple(_read_privilege(item, f"$.privileges[{index}]") for index, item in enumerate(value))


def _read_privilege(value: object, path: str) -> Privilege:
    if not isinstance(value, Mapping) or (unknown := value.keys() - {"schema", "id", "only", "not", "signkey"}):
        what = f"; unknown: {', '.join(sorted(unknown))}" if isinstance(value, Mapping) else ""
        raise InvalidIdentityError(f"a privilege has schema, id, only, not and signkey{what}", path=path)
    for name in ("schema", "id", "signkey"):
        if not isinstance(value.get(name), str | None):
            raise InvalidIdentityError(f"{name} should be a string", path=f"{path}.{name}")
    for name in ("only", "not"):
        listed = value.get(name)
        if listed is not None and not (isinstance(listed, list) and all(isinstance(item, str) for item in listed)):
            raise InvalidIdentityError(f"{name} should be a list of member names", path=f"{path}.{name}")
    only = value.get("only")
    return Privilege(
        schema=value.get("schema"),
        id=value.get("id"),
        only=None if only is None else frozenset(only),
        without=frozenset(value.get("not") or ()),
        key_name=value.get("signkey"),
    )


def _privilege_to_dict(privilege: Privilege) -> dict[str, Any]:
    members: dict[str, Any] = {
        "schema": privilege.schema,
        "id": privilege.id,
        "only": None if privilege.only is None else sorted(privilege.only),
        "not": sorted(privilege.without) or None,
        "signkey": privilege.key_name,
    }
    return {name: value for name, value in members.items() if value is not None}
