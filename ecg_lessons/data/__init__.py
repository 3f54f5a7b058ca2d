"""Where beats come from: the databases, the published files, simulation."""
