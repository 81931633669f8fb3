"""Messages of which a careful colleague says whether a person has to see them. README.md explains the format."""
