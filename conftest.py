"""For pytest called by hand, ``pytest --nbval book/01_data.ipynb`` say, as for ``make test``."""

from tools.run import make_paths_absolute

make_paths_absolute()
