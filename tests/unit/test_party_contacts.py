"""Telephones, mailboxes and addresses: one contact in many spellings, and what is none."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.parties._addresses import read_address
from detectors.parties._emails import read_emails
from detectors.parties._phones import read_phones


@pytest.mark.parametrize(
    ("stated", "country"),
    [
        ("+86 731 8888 1234", "CN"),
        ("＋86 (0)731-8888.1234", "TH"),
        ("0086-731-88881234", "TH"),
        ("(0731) 8888 1234", "CN"),
        ("0731-88881234-801", "CN"),
        ("0731-88881234 ext. 5", "CN"),
        ("0731-88881234转801", "CN"),
        ("0731-88881234/5", "CN"),
        ("Tel: 0731 88881234 Fax: 0731 88881235", "CN"),
        ("电话0731-88881234，传真0731-88881235", "CN"),
        ("86-731-88881234", None),
    ],
)
def test_one_number(stated: str, country: str | None) -> None:
    assert [(p.number, p.shown) for p in read_phones(stated, country)] == [("+8673188881234", "+86 731 **** 1234")]


@pytest.mark.parametrize(
    ("stated", "country", "numbers"),
    [
        ("02-555-0199", "TH", ["+6625550199"]),
        ("8 (495) 123-45-67", "RU", ["+74951234567"]),
        ("020 7946 0958", "XI", ["+442079460958"]),
        ("+39 06 1234 5678", "DE", ["+390612345678"]),
        ("+54 9 11 1234-5678", "AR", ["+5491112345678"]),
        ("040/1230567", "DE", ["+49401230567"]),
        ("13800138000; 13900139000", "CN", ["+8613800138000", "+8613900139000"]),
        ("13800138000 / 138 0013 8000", "CN", ["+8613800138000"]),
    ],
)
def test_numbers_of_the_world(stated: str, country: str, numbers: list[str]) -> None:
    assert [phone.number for phone in read_phones(stated, country)] == numbers


@pytest.mark.parametrize(
    "stated",
    ["000000", "0000000000", "123456789", "99999999", "+1 000 000 0000", "+86 12345678901", "+852 8888 8888", "10000000",
     "987654321", "1234", "n/a", "none", "Fax 0731-88881234", "传真:0731-88881234", ""],
)  # fmt: skip
def test_what_is_no_number(stated: str) -> None:
    assert read_phones(stated, "CN") == ()


def test_a_number_that_cannot_be_dialled_is_still_itself() -> None:
    assert read_phones("+999 12345670", "CN") == read_phones("+999-1234-5670", "TH") != ()
    assert read_phones("+999 12345670", "CN") != read_phones("+999 12345671", "CN")


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)), st.text("0123456789", min_size=5, max_size=12))
def test_the_short_way_reads_as_the_library_does(region: str, national: str) -> None:
    """International numbers of every country: whatever the library takes to be possible has its E.164 form here."""
    stated = f"+{phonenumbers.country_code_for_region(region)}{national}"
    try:
        parsed = phonenumbers.parse(stated, None)
    except phonenumbers.NumberParseException:
        return
    found = read_phones(stated, None)
    if phonenumbers.is_possible_number(parsed) and found:
        expected = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        assert [phone.number for phone in found] == [expected]


def test_every_country_s_example_number_is_read() -> None:
    for region in phonenumbers.SUPPORTED_REGIONS:
        example = phonenumbers.example_number(region)
        expected = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        for form in (phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.NATIONAL):
            stated = phonenumbers.format_number(example, form)
            found = [phone.number for phone in read_phones(stated, region)]
            if found != [expected]:  # some examples are what people write who have no number, some are too short
                digits = "".join(c for c in stated if c.isdigit())
                assert found == [], (region, stated)
                national = str(example.national_number)
                assert len(digits) < 7 or len(national) < 5 or national in "1234567890123", (region, stated)


@pytest.mark.parametrize(
    ("stated", "compared"),
    [
        ("J.Doe+customs@Gmail.com", ["jdoe@gmail.com"]),
        ("jdoe@googlemail.com", ["jdoe@gmail.com"]),
        ("12345@qq.com", ["12345@qq.com"]),
        ("Info@Firm.CN", ["@firm.cn"]),
        ("sales12@firm.cn", ["@firm.cn"]),
        ("Li Wei <li.wei+x@firm.cn>", ["li.wei@firm.cn", "@firm.cn"]),
        ("wang@firm.cn; li@firm.cn", ["wang@firm.cn", "@firm.cn", "li@firm.cn"]),
        ("x@münchen-metall.de", ["x@xn--mnchen-metall-wob.de", "@xn--mnchen-metall-wob.de"]),
        ("ｗang@firm.cn", ["wang@firm.cn", "@firm.cn"]),
        ("info@yahoo.com.hk", ["info@yahoo.com.hk"]),
        ("none@gmail.com", []),
        ("someone@example.com", []),
        ("none", []),
        ("a@b", []),
    ],
)
def test_mailboxes(stated: str, compared: list[str]) -> None:
    assert [mail.address for mail in read_emails(stated)] == compared


def test_mailboxes_are_masked() -> None:
    assert [mail.shown for mail in read_emails("wang.wei@firm.cn")] == ["w***@firm.cn", "@firm.cn"]
    assert [mail.shown for mail in read_emails("w@qq.com")] == ["***@qq.com"]


def place(address: str, city: str | None = None, country: str = "CN", postcode: str | None = None) -> str | None:
    read = read_address(address, city, postcode, country)
    return None if read is None else read.text


@pytest.mark.parametrize(
    "spellings",
    [
        [("No. 88 Jiefang Rd.", "Changsha"), ("Jiefang Road 88, Changsha", None),
         ("解放路88号", "长沙"), ("长沙市解放路88号", None)],
        [("Room 501, 5/F, No.88 Jiefang Road", "Changsha"),
         ("长沙市解放路88号5楼501室", "长沙"), ("Rm. 501 5th Floor, 88 JIEFANG RD", "CHANGSHA")],
    ],
)  # fmt: skip
def test_one_address(spellings: list[tuple[str, str | None]]) -> None:
    assert len({place(*spelling) for spelling in spellings}) == 1
    assert place(*spellings[0]) is not None


def test_one_address_abroad() -> None:
    assert place("Hauptstraße 5", "Hamburg", "DE") == place("HAUPTSTR. 5, 20095 Hamburg", None, "DE")
    assert place("Bahnhofstrasse 5, 8001 Zürich", "Zürich", "CH", "8001") == place(
        "Bahnhofstr. 5", "Zurich", "CH", "8001"
    )
    assert place("12 High Street, Unit 3A", "London", "GB") == place("Unit 3a, 12 High St", "London", "GB")
    assert place("ул. Ленина, д. 5, кв. 12", "Москва", "RU") == place("Lenina ul. 5, kv. 12", "Moskva", "RU")
    assert place("8/F, 123 Nathan Road", "Kowloon", "HK") == place("123 Nathan Rd, 8th Fl.", "Kowloon", "HK")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Room 5, Floor 501, 88 Jiefang Road", "Room 501, Floor 5, 88 Jiefang Road"),
        ("88 Jiefang Road", "89 Jiefang Road"),
        ("Room 5, 88 Jiefang Road", "88 Jiefang Road"),
        ("88-2 Jiefang Road", "2-88 Jiefang Road"),
    ],
)
def test_two_doors(one: str, other: str) -> None:
    assert None not in (place(one, "Changsha"), place(other, "Changsha"))
    assert place(one, "Changsha") != place(other, "Changsha")


def test_one_street_name_in_two_countries_is_two_addresses() -> None:
    assert place("12 High Street", None, "GB") != place("12 High Street", None, "IE")


@pytest.mark.parametrize(
    ("address", "city", "country"),
    [
        ("Changsha", "Changsha", "CN"),
        ("Shenzhen 518000", None, "CN"),
        ("深圳市", None, "CN"),
        ("Dublin 2", "Dublin", "IE"),
        ("PO Box 123, Dubai", "Dubai", "AE"),
        ("P.O. Box 17", None, "AE"),
        ("Postfach 12 34", "Hamburg", "DE"),
        ("Apartado 55", "Lima", "PE"),
        ("深圳市邮政信箱88号", None, "CN"),
        ("-", None, "CN"),
        ("as above", None, None),
    ],
)
def test_what_is_no_address(address: str, city: str | None, country: str) -> None:
    assert place(address, city, country) is None


def test_an_address_shows_its_town_only() -> None:
    shown = [
        read_address("88 Jiefang Road", city, None, "CN") for city in ("Shenzhen", None, "Shenzhen, 88 Jiefang Road")
    ]
    assert [address and address.shown for address in shown] == ["address in Shenzhen", "address in CN", "address in CN"]
