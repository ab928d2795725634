import re
import string
from collections.abc import Iterator

import pytest
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st

from vol_assets.errors import SettingError
from vol_assets.gold import notices
from vol_assets.gold.pdf import text
from vol_assets.gold.words import LANGUAGES, TEXTS, Words
from vol_assets.gold.words.charts import CHARTS
from vol_assets.gold.words.notes import NOTES
from vol_assets.gold.words.notices import NOTICES
from vol_assets.gold.words.numbers import TYPOGRAPHY
from vol_assets.gold.words.pages import PAGES
from vol_assets.gold.words.penalties import PENALTIES
from vol_assets.gold.words.tables import TABLES
from vol_assets.settings import Settings

THIN = "\u202f"
ENGLISH, FRENCH = Words("en"), Words("fr")


def fields(template: str) -> Iterator[tuple[str, str]]:
    """Names and formats of what a template holds."""
    return ((name, spec) for _, name, spec, _ in string.Formatter().parse(template) if name)


def example(key: str, language: str) -> str:
    """The text of a key with something in every place."""
    by_format = {"date": "2024-03-01", "long_date": "2024-12-31", "": "x"}
    template = TEXTS[key][LANGUAGES.index(language)]
    return Words(language)(
        key, **{name: by_format.get(spec.partition(".")[0], 1234.5) for name, spec in fields(template)}
    )


def test_no_key_has_two_meanings():
    assert len(TEXTS) == sum(map(len, (PAGES, CHARTS, TABLES, NOTES, NOTICES, PENALTIES)))


def test_a_text_says_the_same_things_in_both_languages():
    for key, (english, french) in TEXTS.items():
        assert english.strip(), key
        assert french.strip(), key
        assert set(fields(english)) == set(fields(french)), key


def test_every_text_can_be_set_in_the_shipped_fonts():
    used = {letter for key in TEXTS for language in LANGUAGES for letter in example(key, language)} - {"\n"}
    for name in text.FILES.values():
        with TTFont(text.FONTS / name) as font:
            assert used <= set(map(chr, font.getBestCmap())), name


def test_french_breaks_no_line_before_high_punctuation_and_has_no_straight_apostrophe():
    for key in TEXTS:
        assert not re.search(r"[ \u00a0][:;?!%»]|« |'", example(key, "fr")), key
        assert not re.search(r"\w[;?!»]", example(key, "fr")), key


def test_every_notice_there_is_has_words():
    assert set(NOTICES) == {f"notice.{code}" for code in notices.NOTICES}


def test_numbers_are_french_in_french():
    assert FRENCH.number(1234567.891, 2) == f"1{THIN}234{THIN}567,89"
    assert FRENCH.number(-0.5, 1) == "\u22120,5"
    assert FRENCH.percent(0.1484, 1) == f"14,8{THIN}%"
    assert FRENCH.dollars(2158.4) == f"2{THIN}158,40{THIN}$"
    assert FRENCH.signed_percent(0.012, 1) == f"+1,2{THIN}%"
    assert FRENCH.price(147.42) == "147,4"
    assert FRENCH.price(1598.92) == f"1{THIN}599"


def test_numbers_are_english_in_english():
    assert ENGLISH.number(1234567.891, 2) == "1,234,567.89"
    assert ENGLISH.number(-0.5, 1) == "\u22120.5"
    assert ENGLISH.percent(0.1484, 1) == f"14.8{THIN}%"
    assert ENGLISH.dollars(2158.4) == "$2,158.40"
    assert ENGLISH.price(1598.92) == "1,599"


def test_dates_are_those_of_the_language():
    assert ENGLISH.date("2024-03-01") == "1\u00a0Mar\u00a02024"
    assert ENGLISH.long_date("2024-12-31") == "31\u00a0December\u00a02024"
    assert FRENCH.date("2024-02-29") == "29\u00a0févr.\u00a02024"
    assert FRENCH.date("2024-03-01") == "1er\u00a0mars\u00a02024"
    assert FRENCH.long_date("2024-08-15") == "15\u00a0août\u00a02024"


@pytest.mark.parametrize("words", [ENGLISH, FRENCH])
def test_what_is_unknown_is_a_dash(words):
    assert {words.number(None, 1), words.percent(float("nan"), 1), words.dollars(None), words.date(None)} == {"\u2013"}


@pytest.mark.parametrize("words", [ENGLISH, FRENCH])
def test_what_rounds_to_nothing_has_no_sign(words):
    assert words.signed(-0.004, 1)[0] == "0"
    assert words.signed_percent(0.00004, 1)[0] == "0"


@settings(max_examples=50)
@given(st.floats(-1e9, 1e9), st.integers(0, 4), st.sampled_from([ENGLISH, FRENCH]))
def test_a_written_number_reads_as_the_rounded_number(x, decimals, words):
    separators = {"en": {",": "", ".": "."}, "fr": {THIN: "", ",": "."}}[words.language]
    written = words.number(x, decimals).replace("\u2212", "-")
    assert float(written.translate(str.maketrans(separators))) == float(f"{x:.{decimals}f}")


def test_what_a_template_holds_is_written_by_its_format():
    assert FRENCH("window.at_days", days=1234.0) == f"1{THIN}234 jours"
    assert FRENCH("penalty.spreads", points=0.62) == "demi-fourchette médiane de 0,62 points de vol"
    assert ENGLISH("penalty.expirations", count=5.0) == "5 expirations to 400 days (6 wanted)"


def test_a_language_that_the_report_is_not_written_in_is_refused_where_settings_are_read():
    assert {Settings.from_env({"VOL_ASSETS_REPORT_LANG": one}).report_language for one in LANGUAGES} == set(TYPOGRAPHY)
    with pytest.raises(SettingError, match="VOL_ASSETS_REPORT_LANG is 'de'.* en, fr"):
        Settings.from_env({"VOL_ASSETS_REPORT_LANG": "de"})


def test_an_unknown_key_and_a_value_that_lacks_are_errors():
    with pytest.raises(KeyError):
        ENGLISH("no.such.key")
    with pytest.raises(KeyError):
        ENGLISH("window.at_days")
