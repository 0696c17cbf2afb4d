"""The private chains: signed events, their links, and who may add to them."""
