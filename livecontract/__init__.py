"""The node: configuration, composition, web server and command line."""
