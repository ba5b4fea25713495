"""The live stream of a job: one look at the database for all who listen to it."""
