"""The contact form and its private page, made on the server: no script is needed."""
