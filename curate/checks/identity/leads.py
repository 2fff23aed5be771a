"""The names of fields behind which a person's number or day of birth stands, by a part that is looked for first."""

from __future__ import annotations

import re
from typing import NamedTuple

LABELS = (
    "DATE_OF_BIRTH",
    "PASSPORT",
    "DRIVER_LICENSE",
    "LICENSE_PLATE",
    "NATIONAL_ID",
    "HEALTH_RECORD",
    "BANK_ACCOUNT",
)

# `no.`, `number`, `Nr.`, `N°`, `numéro`, `#`; in the keys of JSON and code glued on: `passportNumber`
_NO = r"(?:[ \t_\-]{0,2}(?:(?:no|nr|num|number|nummer|n[úu]mero|num[ée]ro|numer|id|card|code|nº|n°)(?![a-z])\.?|#)){0,2}"
# a word that a field's name cannot do without, where it means other things alone
_MUST = r"(?:[ \t_\-]{0,2}(?:(?:no|nr|num|number|nummer|n[úu]mero|num[ée]ro|id|card|code|nº|n°)(?![a-z])\.?|#)|(?=[ \t]{0,2}[\"']?[ \t]{0,2}[:=]))"


class Lead(NamedTuple):
    """A field's name that begins with `anchor`, in small letters, and the label of what stands behind it."""

    anchor: str
    name: re.Pattern[str]
    label: str
    least: int  # digits of the value
    weak: bool = (
        False  # names a thing, not its number, or is said of other things too: what follows must show more
    )


def _leads(label: str, least: int, names: dict[str, str], *, weak: bool = False) -> list[Lead]:
    return [Lead(anchor, re.compile(anchor + rest), label, least, weak) for anchor, rest in names.items()]


LEADS: tuple[Lead, ...] = (
    *_leads(
        "PASSPORT",
        6,
        {
            "passport": _NO,
            "passeport": _NO,
            "reisepass": r"(?:nummer)?" + _NO,
            "pasaporte": _NO,
            "passaporto": _NO,
            "passaporte": _NO,
            "paspoort": r"(?:nummer)?" + _NO,
            "paszport": r"u?" + _NO,
            "护照": r"号?码?",
            "паспорт": r"а?(?: номер)?",
        },
        weak=True,
    ),
    *_leads(
        "DRIVER_LICENSE",
        5,
        {
            "driv": r"(?:er|ing)?(?:['’]?s)?[ _-]{0,2}(?:licen[sc]e|permit)" + _NO,
            "d.l.": _NO,
            "führerschein": r"(?:nummer)?" + _NO,
            "permis de conduire": _NO,
            "permiso de conducir": _NO,
            "licencia de conducir": _NO,
            "carnet de conducir": _NO,
            "carteira de motorista": _NO,
            "patente di guida": _NO,
            "rijbewijs": r"(?:nummer)?" + _NO,
            "prawo jazdy": _NO,
        },
        weak=True,
    ),
    *_leads("DRIVER_LICENSE", 9, {"cnh": _MUST}),
    *_leads(
        "LICENSE_PLATE",
        1,
        {
            "licen": r"[sc]e[ _-]{0,2}plate" + _NO,
            "number plate": r"",
            "numberplate": r"",
            "plate": r"[ _-]{0,2}(?:no|nr|num|number)(?![a-z])\.?",
            "registration": r"[ _-]{0,2}(?:plate|mark)" + _NO,
            "vehicle reg": r"(?:istration)?" + _NO,
            "car reg": r"(?:istration)?" + _NO,
            "kenteken": r"",
            "plaka": _NO,
            "nr rej": r"(?:estracyjny|\.)?",
            "numer rejestracyjny": r"",
        },
    ),
    *_leads(
        "LICENSE_PLATE",
        1,
        {
            "registration": r"(?![ _-]{0,2}(?:plate|mark))" + _NO,
            "reg no": r"\.?",
            "reg. no": r"\.?",
            "kennzeichen": r"",
            "matrícula": _NO,
            "matricula": _NO,
            "immatriculation": _NO,
            "plaque": r"(?: d['’]immatriculation)?" + _NO,
            "targa": _NO,
            "placa": r"(?: (?:do|da|del|de la|de) (?:carro|coche|ve[íi]culo|auto|moto|motocicleta))?" + _NO,
        },
        weak=True,
    ),
    # by the digits that a number of the kind has at least
    *_leads(
        "NATIONAL_ID",
        5,
        {
            "national insurance": _NO,
            "national id": r"(?:entity|entification)?(?: card)?" + _NO,
            "cédula": r"(?: de ciudadan[íi]a| de identidad)?" + _NO,
            "dowód": r"(?: osobisty)?" + _NO,
            "carta d'identità": _NO,
            "personalausweis": r"(?:nummer|nr)?" + _NO,
            "identity card": _NO,
            "id card": _NO,
        },
        weak=True,
    ),
    *_leads(
        "NATIONAL_ID",
        8,
        {
            "social insurance": _NO,
            "social security": _NO,
            "tax file": _NO,
            "tax id": r"(?:entification)?" + _NO,
            "taxpayer id": r"(?:entification)?" + _NO,
            "tax_id": _NO,
        },
        weak=True,
    ),
    *_leads(
        "NATIONAL_ID",
        5,
        {
            "ni no": r"\.?",
            "ni num": r"ber",
            "nino": _MUST,
            "pan": _MUST,
            "dowodu": r"(?: osobistego)?",
            "rfc": _MUST,
            "nin": _MUST,
            "ausweisnummer": r"",
        },
    ),
    *_leads(
        "NATIONAL_ID",
        7,
        {
            "dni": _NO,
            "nif": _NO,
            "nie": _MUST,
            "curp": _NO,
            "rut": _MUST,
            "codice fiscale": r"",
            "cod. fisc": r"\.?|ale",
            "nric": _NO,
        },
    ),
    *_leads(
        "NATIONAL_ID",
        8,
        {
            "sozialversicherungsnummer": r"",
            "rentenversicherungsnummer": r"",
            "svnr": r"",
            "bsn": _NO,
            "burgerservicenummer": r"",
            "personnummer": r"",
            "fødselsnummer": r"",
            "cpr": _MUST,
            "sin": _MUST,
            "tfn": _NO,
            "ssn": _NO,
            "инн": r"",
        },
    ),
    *_leads(
        "NATIONAL_ID",
        11,
        {
            "aadhaar": _NO,
            "aadhar": _NO,
            "cpf": _NO,
            "pesel": _NO,
            "steuer-id": r"(?:entifikationsnummer|nr|nummer)?" + _NO,
            "steuerid": r"(?:entifikationsnummer|nr|nummer)?" + _NO,
            "steueridentifikationsnummer": r"",
            "insee": _NO,
            "sécurité sociale": r"",
            "securite sociale": r"",
            "tc kimlik": _NO,
            "kimlik no": r"",
            "emirates id": _NO,
            "cnic": _NO,
            "bvn": _NO,
            "身份证": r"号?码?",
            "주민등록번호": r"",
            "снилс": r"",
        },
    ),
    *_leads(
        "HEALTH_RECORD",
        4,
        {
            "mrn": _NO,
            "hospital n": r"(?:o|umber)(?![a-z])\.?",
            "hospital id": r"",
            "patient n": r"(?:o|umber)(?![a-z])\.?",
            "patient id": _NO,
            "patient_id": r"",
            "chart n": r"(?:o|umber)(?![a-z])\.?",
            "nhs n": r"(?:o|umber)(?![a-z])\.?",
            "health insurance n": r"(?:o|umber)(?![a-z])\.?",
            "medicare": _MUST,
            "versichertennummer": r"",
            "krankenversicherungsnummer": r"",
        },
    ),
    *_leads("HEALTH_RECORD", 4, {"medical record": _NO, "health card": _NO}, weak=True),
    *_leads(
        "BANK_ACCOUNT",
        6,
        {
            "account": r"[ _-]{0,2}(?:no|nr|num|number|#)(?![a-z])\.?",
            "acct": r"\.?" + _MUST,
            "a/c": _MUST,
            "kontonummer": r"",
            "numéro de compte": r"",
            "número de cuenta": r"",
            "numero di conto": r"",
            "numer konta": r"",
        },
    ),
    *_leads("BANK_ACCOUNT", 6, {"bank account": _NO, "bank_account": _NO, "conta corrente": _NO}, weak=True),
    *_leads(
        "DATE_OF_BIRTH",
        3,
        {
            "dob": r"(?![a-z])",
            "d.o.b": r"\.?",
            "date of birth": r"",
            "date_of_birth": r"",
            "dateofbirth": r"",
            "birth date": r"",
            "birth_date": r"",
            "birthdate": r"",
            "birthday": r"",
            "geburtsdatum": r"",
            "geb": r"\.(?: am)?",
            "fecha de nacimiento": r"",
            "date de naissance": r"",
            "data di nascita": r"",
            "data de nascimento": r"",
            "data urodzenia": r"",
            "geboortedatum": r"",
            "födelsedatum": r"",
            "fødselsdato": r"",
            "doğum tarihi": r"",
            "дата рождения": r"",
            "出生日期": r"",
            "生年月日": r"",
            "생년월일": r"",
        },
    ),
    *_leads(
        "DATE_OF_BIRTH",
        3,
        {
            "born": r"(?: on)?",
            "geboren": r"(?: am| op)?",
            "nacid": r"[oa] el(?: d[íi]a)?",
            "nascid": r"[oa] em",
            "nascut": r"[oa]? el",
            "nat": r"[oa] il",
            "né": r"e? le",
            "urodzon": r"[ya](?: dnia)?",
            "född": r"(?: den)?",
            "født": r"(?: den)?",
        },
        weak=True,
    ),
)
