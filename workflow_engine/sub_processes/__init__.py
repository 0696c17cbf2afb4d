"""Sub-processes: embedded scenarios that run on the chain of the process that calls for them (paper section 7.4).

A sub-process is a process like others, with a parent: the run of an action of the kind
`urn:livecontract:action:sub-process`. Parent and child are isolated: the child is handed what the action says and
nothing else, and the parent is told how the child ended and what the action makes of it. Several may be open in one
state, and sub-processes may have their own.

- `relation`: which process belongs to which, and whether a parent still waits for it;
- `beginning`: how one is started;
- `ending`: what its end means for the parent.

All pure and consensus-critical, like the machine.
"""
