"""The HTTP API, one module a reader: the customer's browser, the reviewer, the operator."""
