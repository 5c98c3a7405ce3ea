"""Who plays in simulated traffic: invented people, invented firms and numbers that are reserved for fiction.

Numbers: +1 NPA 555 0100 to 0199 (NANPA), +44 7700 900000 to 900999 (Ofcom), +61 491 570 xxx (ACMA).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random

from monitor.providers.base import Person, Scene
from monitor.sandbox.texts import DEFAULT_LANGUAGE, EXCHANGES, Exchange, fill

FOREIGN_SHARE = 0.4  # how often somebody with another first language is written to in it


@dataclass(frozen=True, slots=True)
class Customer:
    """A person with the name that a text calls them by and the language that they write besides English."""

    person: Person
    first: str
    language: str = DEFAULT_LANGUAGE


def _customer(name: str, phone: str, mail: str, language: str = DEFAULT_LANGUAGE, first: str | None = None) -> Customer:
    return Customer(Person(name, phone, f"{mail}@example.com"), first or name.split()[0], language)


# Few enough to come back, so that conversations grow.
AMERICANS: tuple[Customer, ...] = (
    _customer("Maya Thompson", "+12025550114", "maya.thompson"),
    _customer("José Ángel Núñez", "+13055550127", "jose.nunez", "es"),
    _customer("Nguyễn Thị Hạnh", "+14085550131", "hanh.nguyen", first="Hạnh"),
    _customer("Zoë O'Connor", "+16175550142", "zoe.oconnor"),
    _customer("DeShawn Carter", "+14045550153", "deshawn.carter"),
    _customer("Camille Tremblay-Roy", "+15145550165", "camille.tremblay", "fr"),
    _customer("李明", "+14155550176", "ming.li", "zh", first="李明"),
    _customer("Leilani Kahananui", "+18085550118", "leilani.k"),
    _customer("Guadalupe Hernández", "+15125550189", "lupe.hernandez", "es"),
    _customer("김지우", "+12135550192", "jiwoo.kim", "ko", first="지우"),
)
OVERSEAS: tuple[Customer, ...] = (
    _customer("Olivia Hughes", "+447700900112", "olivia.hughes"),
    _customer("Siân Rhys-Evans", "+447700900248", "sian.rhys"),
    _customer("أمينة الحسيني", "+447700900301", "amina.alhusseini", "ar"),
    _customer("Łukasz Żółkiewski", "+447700900417", "lukasz.z", "pl"),
    _customer("अनन्या शर्मा", "+447700900533", "ananya.sharma", "hi"),
    _customer("Jürgen Groß", "+447700900674", "juergen.gross", "de"),
    _customer("Оксана Шевченко", "+447700900729", "oksana.sh", "uk"),
    _customer("Chukwuemeka Okonkwo", "+447700900850", "emeka.okonkwo", first="Emeka"),
    _customer("Jack Nguyen", "+61491570006", "jack.nguyen"),
    _customer("Matilda Papadopoulos", "+61491570156", "tilly.p", first="Tilly"),
    _customer("נועה לוי", "+61491570157", "noa.levi", "he"),
    _customer("佐藤 花子", "+61491570158", "hanako.sato", "ja", first="花子"),
    _customer("João Araújo", "+61491570159", "joao.araujo", "pt"),
    _customer("Talia Fa'asavalu", "+61491570110", "talia.f"),
)
AMERICAN_BUSINESSES = ("+12065550100", "+13125550199")
OVERSEAS_BUSINESSES = ("+447700900900", "+61491570737")


def scene(rng: Random, start: datetime, provider: str | None = None) -> Scene:
    """A scene with a customer of the pool, the number of the business they always talk to, and texts that fit.

    Volt serves North American numbers, and Bird's scenes play overseas; other providers, or None, have all customers.
    """
    if provider == "volt":
        pool = AMERICANS
    elif provider == "bird":
        pool = OVERSEAS
    else:
        pool = AMERICANS + OVERSEAS
    customer = rng.choice(pool)
    home, businesses = (AMERICANS, AMERICAN_BUSINESSES) if customer in AMERICANS else (OVERSEAS, OVERSEAS_BUSINESSES)
    exchange = _exchange(rng, customer.language)
    words = fill(rng, customer.first)
    return Scene(
        rng=rng,
        start=start,
        customer=customer.person,
        business=businesses[home.index(customer) % len(businesses)],
        text=exchange.text.format_map(words),
        reply=rng.choice(exchange.replies).format_map(words),
    )


def _exchange(rng: Random, language: str) -> Exchange:
    own = language != DEFAULT_LANGUAGE and rng.random() < FOREIGN_SHARE
    fitting = [e for e in EXCHANGES if e.language == (language if own else DEFAULT_LANGUAGE)]
    return rng.choices(fitting, [e.weight for e in fitting])[0]
