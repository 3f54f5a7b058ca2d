"""``Beats``: annotated heartbeats with their patients, the one type every chapter passes on."""

from dataclasses import dataclass, replace
from itertools import chain, product

import numpy as np

CLASSES = ("N", "S", "V", "F", "Q")

# ANSI/AAMI EC57: which annotation symbols of the MIT-BIH database make up each class.
AAMI = {"N": "NLRej", "S": "AaJS", "V": "VE", "F": "F", "Q": "/fQ"}

# De Chazal, O'Dwyer & Reilly 2004, doi:10.1109/TBME.2004.827359: two halves of the
# database with different patients (but for 201/202) and the four paced records left out.
DS1 = tuple("101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230".split())
DS2 = tuple("100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234".split())
DIAGNOSED = ("normal", "abnormal")  # classes of beats that bear their recording's diagnosis
CLASS_OF = {symbol: name for name, symbols in AAMI.items() for symbol in symbols}
WIDTH = 187  # samples of one beat, the width of the published format

# What may be known of each beat, and how a table calls it.
_COLUMNS = {
    "patients": "patient",
    "records": "record",
    "folds": "fold",
    "samples": "sample",
    "rr": ["rr before", "rr after"],
    "diagnoses": "diagnosis",
}


@dataclass(frozen=True, eq=False, repr=False)
class Beats:
    """Heartbeats as an array, with what is known of each; arrays that do not fit are a ValueError.

    Parameters
    ----------
    signals : float32 array (n, 187) or (n, 187, leads)
        One row for each beat, scaled to [0, 1], zeros after its end (for other cuts see `segment`).
    labels : int array (n,)
        Position of the beat's class in `classes`.
    patients, records : str array (n,) or None
        Who the beat belongs to, and the record it was cut from. None where unknown, of a beat or of all.
    folds : str array (n,) or None
        The published fold ("train" or "test"; "1" to "10" in PTB-XL), where there is one.
    samples : int array (n,) or None
        The R peak's sample number in its record, annotated or found; -1 where unknown.
    rr : float32 array (n, 2) or None
        Seconds from the R peak before and to the one after; NaN where the record has none.
    diagnoses : str array (n,) or None
        What was found in the patient, where it is known of the whole recording.
    classes, fs : tuple of str, float
        Names of the classes, in the order of the labels; sampling frequency in Hz.
    source : "physionet", "kaggle" or "simulated"
    """

    signals: np.ndarray
    labels: np.ndarray
    patients: np.ndarray | None = None
    records: np.ndarray | None = None
    folds: np.ndarray | None = None
    samples: np.ndarray | None = None
    rr: np.ndarray | None = None
    diagnoses: np.ndarray | None = None
    classes: tuple = CLASSES
    fs: float = 120.0
    source: str = "physionet"

    def __post_init__(self):
        signals, labels = np.asanyarray(self.signals), np.asanyarray(self.labels)
        if signals.ndim not in (2, 3) or signals.shape[1] != WIDTH:
            raise ValueError(f"signals must have shape (n, {WIDTH}), not {signals.shape}")
        if labels.shape != signals.shape[:1]:
            raise ValueError(f"labels must have shape ({len(signals)},), not {labels.shape}")
        if not np.isin(labels, np.arange(len(self.classes))).all():
            raise ValueError(f"labels must be whole numbers in 0..{len(self.classes) - 1}")
        values = {"classes": tuple(self.classes)}
        values["signals"] = signals.astype(np.float32, copy=False)
        values["labels"] = labels.astype(np.int64, copy=False)
        for name in self._list_known():
            values[name] = np.asanyarray(getattr(self, name))
            shape = (len(labels), 2) if name == "rr" else labels.shape
            if values[name].shape != shape:
                raise ValueError(f"{name} must have shape {shape}, not {values[name].shape}")
        for name, value in values.items():
            object.__setattr__(self, name, value)  # the only way into a frozen class

    def _list_known(self):
        return [name for name in _COLUMNS if getattr(self, name) is not None]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        """A subset: a boolean mask, an array of positions, or a slice."""
        if isinstance(index, (int, np.integer)):
            index = [index]
        columns = ["signals", "labels", *self._list_known()]
        return replace(self, **{name: getattr(self, name)[index] for name in columns})

    def counts(self):
        """Number of beats of each class, a Series indexed by class name."""
        import pandas as pd  # here and below: it takes longer to import than beats to map

        n = np.bincount(self.labels, minlength=len(self.classes))
        return pd.Series(n, index=pd.Index(self.classes, name="class"), name="beats")

    def to_frame(self):
        """A DataFrame with one row for each beat: class, label and whatever is known of it."""
        import pandas as pd

        frame = pd.DataFrame({"class": np.array(self.classes)[self.labels], "label": self.labels})
        for name in self._list_known():
            frame[_COLUMNS[name]] = getattr(self, name)
        return frame

    def split(self, test_size: float = 0.2, by: str = "beat", seed: int = 0) -> "tuple[Beats, Beats]":
        """Two disjoint parts, (train, test).

        Parameters
        ----------
        test_size : float
            Share of the beats to put into test, between 0 and 1.
        by : "beat" or "patient"
            "beat" shuffles all beats and keeps the share of each class; one patient's beats land on both
            sides. "patient" keeps every patient whole, and takes those into test that together come close to
            `test_size` of every class: from ten random draws, patients are moved while that helps.
        seed : int
            The same seed gives the same split.
        """
        if not 0 < test_size < 1:
            raise ValueError(f"test_size must lie between 0 and 1, not {test_size}")
        if by not in ("beat", "patient"):
            raise ValueError(f'by must be "beat" or "patient", not {by!r}')
        draw = self._draw_beats if by == "beat" else self._draw_patients
        in_test = draw(test_size, seed)
        return self[~in_test], self[in_test]

    def _draw_beats(self, test_size, seed):
        """Mask of the beats that go into test, the same share of each class."""
        from sklearn.model_selection import train_test_split

        alone = self.counts().to_numpy()[self.labels] < 2  # nothing to divide: these stay in train
        others = np.flatnonzero(~alone)
        n_classes = len(np.unique(self.labels[others]))
        n_test = min(max(round(test_size * len(others)), n_classes), len(others) - n_classes)
        if n_classes == 0 or n_test < n_classes:
            raise ValueError(f"{len(self)} beats are too few to have each class on both sides")
        classes = self.labels[others]
        _, test = train_test_split(others, test_size=n_test, random_state=seed, stratify=classes)
        return np.isin(np.arange(len(self)), test)

    def _draw_patients(self, test_size, seed):
        """Mask of the beats whose patients go into test."""
        patients, owner = np.unique(self._check_patients(), return_inverse=True)
        if len(patients) < 2:
            raise ValueError("a split by patient needs at least two patients")
        shares = np.zeros((len(patients), len(self.classes) + 1))  # of each class, and of all beats
        np.add.at(shares, (owner, self.labels), 1)
        shares[:, -1] = shares.sum(1)
        shares = shares[:, shares.sum(0) > 0]
        shares /= shares.sum(0)

        def measure_error(chosen):
            """How far the test part is from `test_size`, in the mean over the classes and in all."""
            off = np.abs(shares[chosen].sum(0) - test_size)
            return off[:-1].mean() + off[-1] if 0 < chosen.sum() < len(patients) else np.inf

        rng, n_test = np.random.default_rng(seed), max(1, round(test_size * len(patients)))
        starts = [rng.permutation(len(patients)) < n_test for _ in range(10)]
        return min((_improve_choice(start, measure_error) for start in starts), key=measure_error)[owner]

    def _check_patients(self):
        import pandas as pd

        if self.patients is None:
            raise ValueError("these beats have no patients; only a split by beat is possible")
        if n := int(pd.isna(self.patients).sum()):
            raise ValueError(f"{n} beats have no patient; drop them first: beats[beats.patients != None]")
        return self.patients.astype(str)

    def published_folds(self) -> "tuple[Beats, Beats]":
        """The two parts that the published files have, (train, test): one patient's beats are in both.

        Simulated beats are dealt out, every fifth into test.
        """
        if self.folds is None or not np.isin(self.folds, ["train", "test"]).all():
            raise ValueError('these beats are not divided into "train" and "test"; use split')
        in_test = self.folds == "test"
        return self[~in_test], self[in_test]

    def inter_patient(self, keep_201: bool = False) -> "tuple[Beats, Beats]":
        """De Chazal's two halves of the database, (DS1, DS2): no patient is on both sides.

        The paced records 102, 104, 107 and 217 are left out. Records 201 (DS1) and 202 (DS2) are one patient,
        so 201 is left out too; ``keep_201=True`` keeps it, as most papers do. Simulated patients are dealt
        out in turn.
        """
        if self.source == "simulated":
            odd = np.array([int(name[1:]) % 2 for name in self._check_patients()], dtype=bool)
            return self[odd], self[~odd]
        if self.records is None:
            raise ValueError("these beats do not know their records; DS1 and DS2 are lists of records")
        records = self.records.astype(str)
        first = [r for r in DS1 if keep_201 or r != "201"]
        return self[np.isin(records, first)], self[np.isin(records, DS2)]

    def _describe_patients(self):
        import pandas as pd

        if self.patients is None:
            return "unknown patients"
        n, unknown = pd.Series(self.patients).nunique(), int(pd.isna(self.patients).sum())
        return f"{n} patient{'' if n == 1 else 's'}" + (f" ({unknown} beats unknown)" if unknown else "")

    def __repr__(self):
        counts = ", ".join(f"{name} {n}" for name, n in self.counts().items())
        return (
            f"Beats: {len(self)} beats of {self._describe_patients()}, "
            f"{WIDTH} samples at {self.fs:g} Hz, source {self.source!r}\n  {counts}"
        )

    def _repr_html_(self):
        counts = self.counts()
        names = "".join(f"<th>{name}</th>" for name in counts.index)
        numbers = "".join(f"<td>{n}</td>" for n in counts)
        shares = "".join(f"<td>{n / max(len(self), 1):.1%}</td>" for n in counts)
        return (
            f"<p><strong>{len(self)} beats</strong> of {self._describe_patients()}, "
            f"{WIDTH} samples at {self.fs:g} Hz, source <code>{self.source}</code></p>"
            f"<table><thead><tr><th>class</th>{names}</tr></thead>"
            f"<tbody><tr><th>beats</th>{numbers}</tr><tr><th>share</th>{shares}</tr></tbody></table>"
        )


def _improve_choice(chosen, measure_error):
    """Move or swap one patient at a time between the two sides while that lowers the error."""
    best = measure_error(chosen)
    while True:
        alone = ([patient] for patient in range(len(chosen)))
        swaps = product(np.flatnonzero(chosen), np.flatnonzero(~chosen))  # one from each side
        for moves in chain(alone, swaps):
            tried = chosen.copy()
            tried[list(moves)] ^= True
            if measure_error(tried) < best - 1e-12:
                chosen, best = tried, measure_error(tried)
                break
        else:
            return chosen
