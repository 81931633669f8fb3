"""The staff's console: one layout, rendered on the server, for every page that needs somebody to be signed in."""
