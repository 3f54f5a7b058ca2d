"""PTB-XL: ten-second recordings with diagnostic statements."""

import ast
import re
from functools import partial

from ..errors import DataError, explain_os_error
from .recording import (
    cache_recordings,
    check_arguments,
    describe_simulated,
    find_files,
    make_patient_table,
    print_left_out,
    read_header,
)  # fmt: skip
from .simulate import make_patients
from .sources import fetch_from

PTBXL = "ptb-xl/1.0.3"
SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
_TABLES = _TABLE, _STATEMENTS = "ptbxl_database.csv", "scp_statements.csv"


def fetch_ptbxl(
    data_home=None, task="norm", leads=("ii",), records=range(1, 501), fs=120.0, source="physionet"
):
    """Beats of PTB-XL's ten-second recordings, normal or not.

    Parameters
    ----------
    data_home, leads, fs, source
        As for `fetch_ptbdb` (``ptbxl/records100/00000/00001_lr.hea``), but no "kaggle". The recordings have
        100 Hz and no leads vx, vy, vz.
    task : "norm"
        Normal: the recordings whose diagnostic statements are all of superclass NORM. Abnormal: all
        others.
    records : iterable of int
        Numbers of recordings, ``ecg_id``; 1 to 500 by default, of 21 799.

    Returns
    -------
    Beats
        As from `fetch_ptbdb`; patients and records are PTB-XL's numbers as text, "15709" and
        "1"; `folds` is ``strat_fold``, "1" to "10", which keeps a patient in one fold;
        `diagnoses` are the superclasses, "MI+STTC", or "none" where there is no diagnostic
        statement.

    Raises
    ------
    DataError, ValueError
        As `fetch_ptbdb`.

    Notes
    -----
    Wagner et al. 2020, doi:10.1038/s41597-020-0495-6; data doi:10.13026/x4td-x982, CC BY 4.0.
    All diagnostic statements count, whatever their likelihood, as in Strodthoff et al. 2021,
    doi:10.1109/JBHI.2020.3022989.
    """
    if task != "norm":
        raise ValueError(f'task must be "norm", not {task!r}')
    leads = check_arguments(leads, None, fs)
    return fetch_from(
        source,
        physionet=lambda: _cut_or_load(data_home, leads, records, fs),
        simulated=lambda: make_patients(leads=len(leads), fs=fs, folds=10),
    )


def _cut_or_load(data_home, leads, records, fs):
    numbers = [int(number) for number in records]
    folder, rows, headers = _find_records(data_home, numbers)
    table = {
        row.filename_lr: (
            str(row.ecg_id), f"{row.patient_id:.0f}", int(found != "NORM"), f"{row.strat_fold:.0f}", found
        )
        for row, found in zip(rows.itertuples(), _find_superclasses(folder, rows))
    }  # fmt: skip
    beats = cache_recordings("ptbxl", folder, table, headers, leads, None, fs)
    print_left_out(len(table), {"without a beat": {row[0] for row in table.values()} - set(beats.records)})
    return beats


def describe_ptbxl(data_home=None, records=range(1, 501), source="physionet"):
    """Who the recordings of PTB-XL are from, as its table says: a DataFrame as from `describe_ptbdb`.

    But ``reason`` are the superclasses, as in `fetch_ptbxl`, whose parameters and errors it has. Whoever is
    older than 89 is 300 in the table, for privacy, and 90 here.
    """

    def read():
        folder, rows = _find_rows(data_home, [int(number) for number in records])
        age = rows.age.where(rows.age < 90, 90).where(rows.age.notna())
        sex = rows.sex.map({0: "male", 1: "female"})
        patients = rows.patient_id.map("{:.0f}".format)
        facts = zip(patients, age, sex, _find_superclasses(folder, rows))
        return make_patient_table(rows.ecg_id.astype(str), facts)

    return fetch_from(source, physionet=read, kaggle=read, simulated=describe_simulated)


def _find_records(data_home, numbers):
    """The folder that holds these recordings, their rows of the table, and {name: header}."""
    found, rows = _find_rows(data_home, numbers)
    tables, files = dict.fromkeys(_TABLES), partial(find_files, data_home, PTBXL, found=found)
    heads = {f"{name}.hea": None for name in rows.filename_lr}
    folder = files(tables | heads, "PTB-XL headers")
    headers = {name: read_header(folder / name) for name in rows.filename_lr}
    signals = {f"{name}.dat": (header, header.sig_len) for name, header in headers.items()}
    return files(tables | heads | signals, "PTB-XL records"), rows, headers


def _find_rows(data_home, numbers):
    """The folder that holds PTB-XL's tables, and the rows of these recordings."""
    folder = find_files(data_home, PTBXL, dict.fromkeys(_TABLES), "PTB-XL tables")
    return folder, _read_rows(folder / _TABLE, numbers)


def _read_rows(path, numbers):
    """PTB-XL's rows of these recordings, in their order."""
    import pandas as pd

    columns = ["ecg_id", "patient_id", "age", "sex", "scp_codes", "strat_fold", "filename_lr"]
    try:
        table = pd.read_csv(path, usecols=columns).set_index("ecg_id", drop=False)
    except Exception as error:  # pandas raises whatever a damaged text leads it to
        raise _make_table_error(path, error) from None
    if missing := [n for n in numbers if n not in table.index]:
        raise DataError(
            f"{path} has no recording {missing[0]} ({len(missing)} of the {len(numbers)} asked for are not "
            "in it). Name others with records=."
        )
    rows = table.loc[numbers]
    try:
        if len(rows) != len(numbers):
            raise ValueError("a recording stands in it twice")
        numbers_in = rows[["patient_id", "age", "sex", "strat_fold"]].apply(pd.to_numeric)
        rows = rows.assign(**numbers_in, scp_codes=[set(ast.literal_eval(codes)) for codes in rows.scp_codes])
        if rows[["patient_id", "strat_fold"]].isna().any(axis=None):
            raise ValueError("a patient or a fold without a number")
        # a name with another path in it could lead anywhere
        strange = [n for n in rows.filename_lr if not re.fullmatch(r"records100/\d{5}/\d{5}_lr", str(n))]
        if strange:
            raise ValueError(f"a file named {strange[0]!r}")
    except Exception as error:
        raise _make_table_error(path, error) from None
    return rows


def _make_table_error(path, error):
    if isinstance(error, OSError):
        return DataError(explain_os_error(error, path))
    return DataError(f"{path} is not PTB-XL's table ({error}). Replace it.")


def _find_superclasses(folder, rows):
    """Of each row, the superclasses of its diagnostic statements: "NORM", "MI+STTC", "none"."""
    import pandas as pd

    try:
        statements = pd.read_csv(folder / _STATEMENTS, index_col=0)
        known = statements.diagnostic_class[statements.diagnostic == 1].to_dict()
    except Exception as error:
        raise _make_table_error(folder / _STATEMENTS, error) from None
    for codes in rows.scp_codes:
        found = {known[code] for code in codes if code in known}
        yield "+".join(name for name in SUPERCLASSES if name in found) or "none"
