"""Where documents are kept: the `DocumentStore` protocol and its implementations."""
