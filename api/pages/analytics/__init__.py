"""The page of figures: charts and tables made on the server."""
