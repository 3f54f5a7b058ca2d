"""What a maintainer runs: one program a file, each behind a target of the Makefile."""
