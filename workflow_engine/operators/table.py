"""The operators, one pure function each, in the one table that fixes their order.

A function takes the operator's argument (its own instructions already evaluated), the node it stands in, and the scope,
and returns the node's new value. Argument and value are JSON.
"""

from collections.abc import Mapping

from workflow_engine.operators import combining, digests, proof, selecting, transformation, writing
from workflow_engine.operators.form import Form
from workflow_engine.operators.scope import Operator

OPERATORS: Mapping[str, Operator] = {
    "<ifset>": selecting.ifset,
    "<ref>": selecting.ref,
    "<eval>": selecting.eval_,
    "<switch>": selecting.switch,
    "<merge>": combining.merge,
    "<tpl>": combining.tpl,
    "<jmespath>": selecting.apply,
    "<apply>": selecting.apply,
    "<transformation>": transformation.transformation,
    "<math>": combining.math,
    "<sum>": combining.sum_,
    "<enrich>": combining.enrich,
    "<dateformat>": writing.date_format,
    "<numberformat>": writing.number_format_,
    "<equal>": selecting.equal,
    "<match>": selecting.match,
    "<replace>": writing.replace,
    "<if>": selecting.if_,
    "<join>": combining.join,
    "<encode>": writing.encode,
    "<decode>": writing.decode,
    "<serialize>": writing.serialize,
    "<unserialize>": writing.unserialize,
    "<hash>": writing.hash_,
    "<id>": writing.id_,
    "<proof>": proof.proof,
}
"""In the order in which they run on one node (that of LTO's engine, then ours)."""

FORMS: Mapping[str, Form] = {
    "<switch>": selecting.SWITCH,
    "<jmespath>": selecting.APPLY,
    "<apply>": selecting.APPLY,
    "<transformation>": transformation.FORM,
    "<enrich>": combining.ENRICH,
    "<dateformat>": writing.DATE_FORMAT,
    "<numberformat>": writing.NUMBER_FORMAT,
    "<match>": selecting.MATCH,
    "<replace>": writing.REPLACE,
    "<if>": selecting.IF,
    "<join>": combining.JOIN,
    "<encode>": writing.ENCODE,
    "<decode>": writing.DECODE,
    "<serialize>": writing.SERIALIZE,
    "<unserialize>": writing.UNSERIALIZE,
    "<hash>": digests.FORM,
    "<id>": writing.ID,
    "<proof>": proof.FORM,
}
"""Of those whose argument is, or may be, an object: its members."""
