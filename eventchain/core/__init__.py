"""The bytes two nodes must agree on: encodings, hashes, keys, ids and request signatures."""
