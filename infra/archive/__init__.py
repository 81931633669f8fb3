"""Archives on disk: files of JSON Lines that hold what retention takes out of the database, each with its manifest."""
