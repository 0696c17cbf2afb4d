"""`livecontract demo`: three organisations, each with a node of its own, play one contract from start to evidence."""
