"""What takes an hour: trainings and comparisons, which write ``results/*.json`` and the shipped weights."""
