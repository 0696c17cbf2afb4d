"""Zero-knowledge proofs between parties, as actions of a process (paper section 12.3).

Somebody shows that they know a secret, or that a committed value is a given one or lies in a list, and tells nothing
else. Prover and verifier exchange three responses; the operator `<proof>` judges them alike on every node.

`group` (points and scalars), `statement` (what is proven), `sigma` (the three moves). Guide: docs/zero-knowledge.md.
"""
