"""The account that kagglehub signs in with: where it stands, what is wrong with it, a new one on Colab."""

import json
import os
import re
import sys
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError, explain_os_error
from ..storage import explain_errors, open_for_writing
from .csv_files import DATASET

SETTINGS = "kaggle.com/settings"  # the page that tokens are created on
_WAYS_OUT = f'create a new token at {SETTINGS}, or use source="physionet", which needs no account.'


class Account(NamedTuple):
    """What kagglehub signs in with. No secret is in it."""

    where: str | None = None  # the variable or the file that holds it; None if there is none
    problem: str | None = None  # why it cannot be used, and the way out
    wins: bool = False  # it is used before any kaggle.json


def find_account():
    """The `Account` that kagglehub uses: looked for in the same places, in the same order."""
    from kagglehub import config

    if getattr(config, "_kaggle_credentials", None):
        return Account("the call of kagglehub.login()", wins=True)
    if "kagglesdk" in sys.modules and (token := _find_token()):  # older versions know no tokens
        return token
    if os.environ.get("KAGGLE_USERNAME") and os.environ.get("KAGGLE_KEY"):
        return Account("the variables KAGGLE_USERNAME and KAGGLE_KEY", wins=True)
    for path in (get_account_path(), Path.home() / ".kaggle" / "kaggle.json"):
        if os.path.exists(path):
            return Account(str(path), _explain_account_file(path))
    return Account()


def get_account_path():
    """Where kagglehub looks for ``kaggle.json``."""
    return Path(os.environ.get("KAGGLE_CONFIG_DIR", Path.home() / ".kaggle")) / "kaggle.json"


def explain_refusal(account):
    """What to do where Kaggle asks for an account, or refuses the one that it was given."""
    if account.problem:
        return account.problem
    if account.wins:
        return (
            f"Kaggle refuses the account that {account.where} names. It is used before any kaggle.json: "
            f"remove it if you have one, {_WAYS_OUT}"
        )
    if account.where:
        return f"Kaggle refuses the account in {account.where}. Delete that file and {_WAYS_OUT}"
    elsewhere = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "kaggle" / "kaggle.json"
    hint = f" The download does not read {elsewhere}: copy it there." if elsewhere.is_file() else ""
    return (
        f"Kaggle asks for an account to download {DATASET}. Create a token at {SETTINGS} and put it into "
        "~/.kaggle/kaggle.json, or, if it is one text that begins with KGAT_, into ~/.kaggle/access_token "
        f'or the variable KAGGLE_API_TOKEN.{hint} Or use source="physionet", which needs no account.'
    )


def ask_for_account(account):
    """Ask for ``kaggle.json`` on Colab and keep it.

    `account` is the one that was refused, or that cannot be used. Gives a function that removes the new one,
    to be called if Kaggle refuses it, and only then.
    """
    from google.colab import files

    print(account.problem or "Kaggle asks for an account.")
    print(
        f"Upload your kaggle.json ({SETTINGS}, API tokens). If you have an access token in its place, press "
        "Cancel, and keep the token in Colab's secrets under the name KAGGLE_API_TOKEN."
    )
    before = set(os.listdir())
    uploaded = files.upload()
    _delete_copies(set(uploaded) - before)
    try:
        content = _parse_account(next(iter(uploaded.values()), b""))
    except ValueError:
        raise DataError(
            "The uploaded file is not a kaggle.json: it must hold username and key. Run the cell again. An "
            "access token belongs into Colab's secrets, under the name KAGGLE_API_TOKEN."
        ) from None
    return _write_account(content)


def _delete_copies(names):
    """Delete the copies of an upload that Colab leaves in the working directory."""
    for name in names:
        try:
            with explain_errors(os.path.abspath(name), writing=True):
                if os.path.basename(name) == name and os.path.isfile(name):
                    os.unlink(name)
        except DataError as error:
            print(f"A copy of your key could not be deleted: {error}")


def _write_account(content):
    """Write the ``kaggle.json`` that kagglehub reads, for its owner alone; one that is there is set aside.

    Gives a function that puts the earlier file back, or deletes the new one where there was none.
    """
    path, earlier = get_account_path(), None
    if os.path.lexists(path):
        names = (path.with_name(f"{path.name}.{i}") for i in count(1))
        earlier = next(name for name in names if not os.path.lexists(name))

    def remove_upload():
        with suppress(OSError):
            os.replace(earlier, path) if earlier else path.unlink()

    try:
        with open_for_writing(path, 0o600, "KAGGLE_CONFIG_DIR") as file:
            file.write(json.dumps(content).encode())
            if earlier:
                os.rename(path, earlier)
    except BaseException:
        remove_upload()
        raise
    if earlier:
        print(f"The earlier {path} is kept as {earlier}.")
    return remove_upload


def _find_token():
    """One of Kaggle's newer access tokens as an `Account`, or None."""
    token = os.environ.get("KAGGLE_API_TOKEN")
    if token:
        with suppress(OSError, ValueError):  # a long token is no name of a file
            if os.path.exists(token):  # kagglehub reads the file then
                where = f"the file that KAGGLE_API_TOKEN names ({token})"
                return Account(where, _explain_token_file(Path(token)), wins=True)
        where = "the variable KAGGLE_API_TOKEN"
        problem = f"What stands in {where} is not a token alone. Set it to one, or unset it."
        return Account(where, None if _is_token(token) and len(token) < 256 else problem, wins=True)
    for name in ("access_token", "access_token.txt"):
        path = Path.home() / ".kaggle" / name
        with suppress(OSError):
            if not path.is_dir() and not path.read_bytes().strip():
                continue  # kagglehub passes over it
        if os.path.exists(path):
            return Account(str(path), _explain_token_file(path), wins=True)
    return None


def _is_token(text):
    return re.fullmatch(r"[!-~]+", text.strip()) is not None


def _explain_token_file(path):
    """What is wrong with a file that should hold an access token; None if nothing is."""
    try:
        if _is_token(path.read_bytes().decode("latin-1")):
            return None
    except OSError as error:
        return explain_os_error(error, path)
    return (
        f"{path} does not hold an access token alone, in plain text. It is used before any kaggle.json: "
        f"delete it, or put a new token from {SETTINGS} into it."
    )


def _explain_account_file(path):
    """What is wrong with a ``kaggle.json`` in the eyes of kagglehub; None if nothing is."""
    try:
        content = path.read_bytes()
        _parse_account(content)
        if (encoding := json.detect_encoding(content)) == "utf-8":
            return None
        fault = f"{path} is in {encoding.upper()}."
    except OSError as error:
        fault = explain_os_error(error, path)
    except ValueError as error:
        fault = f"{path} is no kaggle.json: it {error}."
    return (
        f"{fault} Create a new kaggle.json at {SETTINGS} and keep it as it comes, in UTF-8 without a byte-order "
        "mark. Or delete it: public files need no account."
    )


def _parse_account(content):
    """{"username": ..., "key": ...} of a ``kaggle.json`` in UTF-8, 16 or 32; else a ValueError says why."""
    if not content.strip():
        raise ValueError("is empty")
    try:
        account = json.loads(content)
    except (ValueError, RecursionError):  # their text may hold the key
        raise ValueError("is damaged, or not JSON") from None
    values = [account.get(name) for name in ("username", "key")] if isinstance(account, dict) else [None]
    if not all(isinstance(value, str) and value.strip() for value in values):
        raise ValueError("does not hold username and key")
    return dict(zip(("username", "key"), values))
