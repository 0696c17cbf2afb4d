"""Real nodes on real servers while things break: what was acknowledged stays, once, everywhere."""
