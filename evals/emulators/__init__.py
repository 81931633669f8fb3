"""Local servers that speak a provider's protocol over real sockets, for the sample and for tests."""
