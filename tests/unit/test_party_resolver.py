"""Who a party is: identifiers before names before contacts, persons never by name, nothing private in the clear."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.parties import Resolved, Resolver

FIRM = {
    "id": None,
    "name": "Hunan Yongli Metals Co., Ltd.",
    "address": "Jiefang Road 88",
    "city": "Changsha",
    "postcode": None,
    "country": "CN",
    "phone": "+86 731 8888 1234",
    "email": "wang@yongli.example",
}
TRAVELLER = {"name": "Zhang Wei", "country": "CN", "phone": "138 0013 8000", "email": "zw@qq.com"}
KEY = re.compile(r"(?:party|name|link/(?:phone|email|address))/[0-9a-f]{24}")
RESOLVER = Resolver()


def who(persons: bool = False, **changes: Any) -> Resolved:
    found = RESOLVER.resolve(FIRM | changes, persons)
    assert found is not None
    return found


def test_an_identifier_decides_whatever_the_name() -> None:
    a, b = who(id="91430100MA4L2ABCXY"), who(id=" 91430100-ma4l 2abcxy", name="Quite Another Ltd")
    assert a.by == "id"
    assert a.key == b.key
    assert a.name_key != b.name_key
    assert who(id="91430100MA4L2ABCX0").key != a.key
    assert who().key != a.key
    assert who().name_key == a.name_key, "a name links what two keys keep apart"


def test_a_number_without_letters_belongs_to_its_country() -> None:
    assert who(id="123456780", country="DE").key != who(id="123456780", country="TH").key
    assert who(id="GB123456789000", country="GB").key == who(id="GB123456789000", country="XI").key
    assert who(id="GB123456789000", country=None).key == who(id="GB 123 4567 89 000").key


@pytest.mark.parametrize(
    "placeholder", ["0000", "n/a", "UNKNOWN", "123456789", "XXXXXXX", "99999999", "-", "Not available"]
)
def test_a_placeholder_is_no_identifier(placeholder: str) -> None:
    assert who(id=placeholder).key == who().key


def test_a_name_with_its_country() -> None:
    assert who().by == "name"
    assert who(name="HUNAN YONG LI METAL COMPANY LIMITED").key == who(name="湖南永利金属有限公司").key == who().key
    assert who(country="HK").key != who().key
    assert who().explained[:2] == ("by its name in CN", "without legal form 'co ltd'")


def test_links_of_a_firm() -> None:
    links = who().links
    assert [(link.kind, link.shown) for link in links] == [
        ("phone", "+86 731 **** 1234"),
        ("email", "w***@yongli.example"),
        ("email", "@yongli.example"),
        ("address", "address in Changsha"),
    ]
    assert len({link.key for link in links}) == 4
    other = who(
        name="Other Ltd",
        phone="0731-88881234",
        email="INFO@Yongli.Example",
        address="No. 88 Jiefang Rd, Changsha",
        city=None,
    )
    assert {link.key for link in other.links} == {links[0].key, links[2].key, links[3].key}


@pytest.mark.parametrize(
    ("party", "persons"), [(FIRM, False), (FIRM | {"id": "GB123456789000"}, False), (TRAVELLER, True)]
)
def test_without_its_links_a_party_is_the_same(party: dict[str, Any], persons: bool) -> None:
    whole, bare = RESOLVER.resolve(party, persons), RESOLVER.resolve(party, persons, links=False)
    assert whole is not None
    assert whole.links
    assert bare == replace(whole, links=())


def test_a_mailbox_at_a_provider_links_by_itself_only() -> None:
    assert [link.shown for link in who(email="a@163.com", phone=None, address=None).links] == ["***@163.com"]


def test_persons_are_never_known_by_name() -> None:
    person = RESOLVER.resolve(TRAVELLER, True)
    namesake = RESOLVER.resolve(TRAVELLER | {"phone": "139 0013 9000"}, True)
    assert person is not None
    assert namesake is not None
    assert (person.by, person.name_key, person.person) == ("contact", None, True)
    assert person.key != namesake.key
    assert RESOLVER.resolve(TRAVELLER | {"name": "W. Zhang"}, True) == person
    assert RESOLVER.resolve({"name": "Zhang Wei", "country": "CN"}, True) is None
    assert RESOLVER.resolve({"name": "Zhang Wei", "email": "info@firm.cn"}, True) is None, "an employer is no person"
    by_id = RESOLVER.resolve(TRAVELLER | {"id": "E12345678"}, True)
    assert by_id is not None
    assert (by_id.by, by_id.name_key) == ("id", None)


def test_tenants_of_one_house_are_two_persons_with_one_link() -> None:
    home = {"address": "Flat 3, 12 High Street", "city": "Leeds", "country": "GB"}
    a, b = (RESOLVER.resolve(home | {"name": name}, True) for name in ("Ann Smith", "Bob Jones"))
    assert a is not None
    assert b is not None
    assert a.key != b.key
    assert a.links == b.links != ()


def test_a_firm_is_a_firm_in_persons_traffic_too() -> None:
    assert who(persons=True) == who()
    assert who(persons=True, name="Hunan Yongli").person


def test_a_surname_alone_identifies_nobody() -> None:
    bare = {"name": "Wang", "country": "CN"}
    assert RESOLVER.resolve(bare, False) is None
    assert RESOLVER.resolve(bare | {"name": "Wang Co., Ltd."}, False) is not None
    by_phone = RESOLVER.resolve(bare | {"phone": "+86 731 8888 1234"}, False)
    assert by_phone is not None
    assert (by_phone.by, by_phone.name_key) == ("contact", None)


@pytest.mark.parametrize(
    "nobody",
    [None, {}, {"country": "CN"}, {"name": "TO ORDER"}, {"id": "000", "phone": "000000", "address": "Shenzhen"}],
)
def test_nobody(nobody: dict[str, Any] | None) -> None:
    assert RESOLVER.resolve(nobody, False) is None


def test_a_pepper_changes_every_key_and_nothing_else() -> None:
    peppered = Resolver(pepper=b"a secret of this office").resolve(FIRM, False)
    assert peppered is not None
    plain = who()
    assert peppered.explained == plain.explained
    assert {peppered.key, peppered.name_key, *(link.key for link in peppered.links)}.isdisjoint(
        {plain.key, plain.name_key, *(link.key for link in plain.links)}
    )


def test_memory_is_bounded() -> None:
    small = Resolver(remembered=10)
    for number in range(50):
        small.resolve(FIRM | {"name": f"Firm {number} Ltd"}, False)
    assert small._cached.cache_info().currsize == 10


anything = st.none() | st.text(max_size=40) | st.text("0123456789+-() /@.abc路号市", max_size=30)


@settings(max_examples=80, deadline=None)
@given(
    st.fixed_dictionaries(
        dict.fromkeys(("id", "name", "address", "city", "postcode", "phone", "email"), anything)
        | {"country": st.sampled_from(["CN", "DE", "XK", "QZ", None])}
    ),
    st.booleans(),
)
def test_whatever_is_declared_is_resolved_or_not_and_never_raises(party: dict[str, Any], persons: bool) -> None:
    found = Resolver().resolve(party, persons)
    assert found == RESOLVER.resolve(party, persons)
    if found is not None:
        assert all(KEY.fullmatch(key) for key in (found.key, *(link.key for link in found.links)))


@settings(max_examples=50, deadline=None)
@given(
    st.integers(10**7, 10**8 - 1),
    st.text("abcdefgh", min_size=4, max_size=8),
    st.text("qrstuvwx", min_size=5, max_size=9),
    st.booleans(),
)
def test_no_contact_is_told_in_the_clear(number: int, box: str, street: str, persons: bool) -> None:
    party = {
        "name": f"{street.title()} Person",
        "phone": f"0755 {number}",
        "email": f"{box}@qq.com",
        "address": f"{street} Road {number % 900}, Room 7",
        "city": "Shenzhen",
        "country": "CN",
    }
    found = RESOLVER.resolve(party, persons)
    if found is None:  # a number such as 44444444, and no mailbox
        return
    told = repr(found) if persons else repr((found.key, found.links))
    assert str(number) not in told
    assert f"{box}@" not in told
    assert street not in told.lower()
