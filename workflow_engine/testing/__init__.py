"""Tests for those who write scenarios: features in Gherkin, runs, coverage, and mutation of the scenario.

```
feature  ─► vocabulary ─► world (the real machine)  ─► running ─► coverage, report
examples ─► exploring  ─► generating ─► a feature        recording: a run ─► a feature
mutants  ─► mutation   (the tests again, on a scenario with one part changed)
```

Nothing here is part of a node, and nothing reads the clock or the network: time passes when a feature says so, and
requests are answered by steps. `docs/testing-scenarios.md` is the guide.
"""
