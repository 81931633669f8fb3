"""The pages in a real browser, against a small server of their own that keeps the API's contract."""
