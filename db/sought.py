"""A patient's name as people look for it: small letters without accents, the family name first."""

import unicodedata


def sought(name: str) -> str:
    """What a name (DICOM VR PN), or the beginning of one that somebody typed, is compared by.

    Of several groups the first that says something; "Müller^Anna" and "muller, anna" are the same.
    """
    group = next((each for each in name.split("=") if each.strip("^ ")), "")
    plain = unicodedata.normalize("NFKD", group).casefold()
    letters = "".join(" " if each in "^," else each for each in plain if not unicodedata.combining(each))
    return " ".join(letters.split())
