"""Real servers for tests: installed where that is allowed, private to a test run, ended with it."""
