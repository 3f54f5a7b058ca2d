"""For pytest called by hand, ``pytest --nbval book/01_data.ipynb`` say, as for ``make test``."""

from tests.run import make_paths_absolute

make_paths_absolute()
