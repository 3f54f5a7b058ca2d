"""PTB-XL: ten-second recordings with diagnostic statements."""

import ast
import re
from functools import partial

import pandas as pd

from ..beats import Beats
from ..errors import DataError
from . import recording
from .simulate import make_patients
from .sources import fetch_from

PTBXL = "ptb-xl/1.0.3"
SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
_TABLES = _TABLE, _STATEMENTS = "ptbxl_database.csv", "scp_statements.csv"


def fetch_ptbxl(
    data_home=None, task="norm", leads=("ii",), records=range(1, 501), fs=120.0, source="physionet"
) -> Beats:
    """Beats of PTB-XL's ten-second recordings, normal or not. Errors are those of `fetch_ptbdb`.

    Parameters
    ----------
    data_home, leads, fs, source
        As for `fetch_ptbdb` (``ptbxl/records100/00000/00001_lr.hea``), but no "kaggle". The recordings have
        100 Hz and no leads vx, vy, vz.
    task : "norm"
        Normal: the recordings whose diagnostic statements are all of superclass NORM. Abnormal: all others.
    records : iterable of int
        Numbers of recordings, ``ecg_id``; 1 to 500 by default, of 21 799.

    Returns
    -------
    Beats
        As from `fetch_ptbdb`; patients and records are PTB-XL's numbers as text, "15709" and "1"; `folds` is
        ``strat_fold``, "1" to "10", which keeps a patient in one fold; `diagnoses` are the superclasses,
        "MI+STTC", or "none" where there is no diagnostic statement.

    Notes
    -----
    All diagnostic statements count, whatever their likelihood, as in Strodthoff et al. 2021,
    doi:10.1109/JBHI.2020.3022989.

    Wagner et al. 2020, doi:10.1038/s41597-020-0495-6; data doi:10.13026/x4td-x982, CC BY 4.0.
    """
    if task != "norm":
        raise ValueError(f'task must be "norm", not {task!r}')
    leads = recording.check_arguments(leads, None, fs)
    return fetch_from(
        source,
        physionet=lambda: _cut_or_load(data_home, leads, records, fs),
        simulated=lambda: make_patients(leads=len(leads), fs=fs, folds=10),
    )


def _cut_or_load(data_home, leads, records, fs):
    folder, rows = _find_rows(data_home, records)
    _, headers = recording.find_headers(data_home, PTBXL, list(rows.filename_lr), _TABLES, folder)
    table = {
        row.filename_lr: (
            str(row.ecg_id), f"{row.patient_id:.0f}", int(diagnosis != "NORM"), f"{row.strat_fold:.0f}",
            diagnosis,
        )
        for row, diagnosis in zip(rows.itertuples(), _find_superclasses(folder, rows))
    }  # fmt: skip
    recording.find_signals(data_home, PTBXL, folder, headers, leads)
    beats = recording.cache_recordings("ptbxl", folder, table, headers, leads, None, fs)
    silent = set(rows.ecg_id.astype(str)) - set(beats.records)
    recording.print_left_out(len(table), {"without a beat": silent})
    return beats


def describe_ptbxl(data_home=None, records=range(1, 501), source="physionet"):
    """Who the recordings of PTB-XL are from, as its table says.

    Gives a DataFrame as `describe_ptbdb` does, but ``reason`` are the superclasses, as in `fetch_ptbxl`.
    Whoever is older than 89 is 300 in the table, for privacy, and 90 here. Parameters and errors are those of
    `fetch_ptbxl`.
    """
    read = partial(_read_patients, data_home, records)
    return fetch_from(source, physionet=read, kaggle=read, simulated=recording.describe_simulated)


def _read_patients(data_home, records):
    folder, rows = _find_rows(data_home, records)
    age = rows.age.where(rows.age < 90, 90).where(rows.age.notna())
    sex = rows.sex.map({0: "male", 1: "female"})
    patients = rows.patient_id.map("{:.0f}".format)
    facts = zip(patients, age, sex, _find_superclasses(folder, rows))
    return recording.make_patient_table(rows.ecg_id.astype(str), facts)


def _find_rows(data_home, records):
    """The folder that holds PTB-XL's tables, and the rows of these recordings, in their order."""
    numbers = [int(number) for number in records]
    folder = recording.find_files(data_home, PTBXL, dict.fromkeys(_TABLES))
    path = folder / _TABLE
    columns = ["ecg_id", "patient_id", "age", "sex", "scp_codes", "strat_fold", "filename_lr"]
    with recording.explain_damage(path, "PTB-XL's table"):
        table = pd.read_csv(path, usecols=columns).set_index("ecg_id", drop=False)
        if missing := [number for number in numbers if number not in table.index]:
            raise DataError(
                f"{path} has no recording {missing[0]} ({len(missing)} of the {len(numbers)} asked for are not "
                "in it). Name others with records=."
            )
        return folder, _parse_rows(table.loc[numbers], len(numbers))


def _parse_rows(rows, n_rows):
    if len(rows) != n_rows:
        raise ValueError("a recording stands in it twice")
    numbers = rows[["patient_id", "age", "sex", "strat_fold"]].apply(pd.to_numeric)
    rows = rows.assign(**numbers, scp_codes=[set(ast.literal_eval(codes)) for codes in rows.scp_codes])
    if rows[["patient_id", "strat_fold"]].isna().any(axis=None):
        raise ValueError("a patient or a fold without a number")
    # a name with another path in it could lead anywhere
    strange = [n for n in rows.filename_lr if not re.fullmatch(r"records100/\d{5}/\d{5}_lr", str(n))]
    if strange:
        raise ValueError(f"a file named {strange[0]!r}")
    return rows


def _find_superclasses(folder, rows):
    """Of each row, the superclasses of its diagnostic statements: "NORM", "MI+STTC", "none"."""
    with recording.explain_damage(folder / _STATEMENTS, "PTB-XL's table"):
        statements = pd.read_csv(folder / _STATEMENTS, index_col=0)
        superclass_of = statements.diagnostic_class[statements.diagnostic == 1].to_dict()
    for codes in rows.scp_codes:
        found = {superclass_of[code] for code in codes if code in superclass_of}
        yield "+".join(name for name in SUPERCLASSES if name in found) or "none"
