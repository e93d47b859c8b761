"""The sample workspace: companies, people, opportunities, tasks, notes and a few colleagues, made from a seed.

Everything is invented and fits together: people have addresses at their company's domain, contacts work at the
company they buy for, amounts follow its size, stages follow the close date. Times are relative to now, so that
"created in the last 7 days" always finds some. Domains end in `.example` (RFC 2606): they belong to nobody.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from metier.access import Access
from metier.actor import Actor, PrincipalKind
from metier.builtin.app.places import COUNTRIES, GERMANY, INDIA, UNITED_KINGDOM, UNITED_STATES, Country
from metier.clock import Clock
from metier.records import Records

SEED = 2026
COMPANIES_THIS_WEEK = 7  # one in each of the last seven days
OLDEST_DAYS = 425  # the first company came fourteen months ago
FRESH_DAYS, FRESH_DEALS = 30, 12  # most opportunities are with people known for a while
PEOPLE, OPPORTUNITIES, TASKS, NOTES = 140, 90, 60, 40

Values = dict[str, Any]  # JSON values by field name
T = TypeVar("T")

#: Coined words; what the company does is added to most.
WORDS = (
    "Velmora Kastrel Quellmark Brindavo Ostavia Nordvig Tesselvik Halmgard Pirouel Zavento Lumetrane Corvanesse",
    "Ambrevia Fjordane Solquist Marentis Ravennick Tindrel Ekovara Bramwick Sundarosa Orvellet Cassidane",
    "Plinth&Pine Weserkind Altavidra Kirrawell Montrezal Hexagrove Vantorp Lindhäll Café+Kontor Aurivelle",
    "Perlwerka Drovemont Sagarond Ningbuya Tramontel Øresynd Yarrowby Estrellumbre Bergaforma Kumoyama",
    "Zephyrinde Oakhollow Delphinora Rústicalia Wrenfieldt Ganeshvar Laguneroz Ilorinda Hoshizorae Kallistéa",
    "Vistulina Grünholt Maplewhistle Fenwrighty Quorvane Terrasolune Ebonleaf Skylarke Umbrafield",
)
NAMES = tuple(word for line in WORDS for word in line.split())

TRADES = {  # industry → what such a company adds to its name
    "software": ("Systems", "Labs", "Cloud", ""),
    "manufacturing": ("Works", "Industries", "Maschinenbau"),
    "retail": ("Stores", "Market", ""),
    "healthcare": ("Health", "Clinics", "Medical"),
    "finance": ("Capital", "Partners", "Insurance"),
    "energy": ("Energy", "Solar", "Grid"),
    "logistics": ("Logistics", "Freight", "Cargo"),
    "food": ("Foods", "Bakery", ""),
    "construction": ("Construction", "Architects", ""),
    "education": ("Academy", "Learning"),
    "media": ("Media", "Press", "Studio"),
}
REVENUE_PER_HEAD = {"finance": 410_000, "energy": 380_000, "retail": 240_000, "education": 90_000}  # else 160,000
SIZES = (6, 11, 18, 25, 40, 60, 85, 130, 220, 350, 600, 1_200, 3_400, 9_800)  # people

JOBS = (
    "Chief Executive Officer",
    "Chief Financial Officer",
    "Chief Technology Officer",
    "Head of Operations",
    "Head of Purchasing",
    "Head of IT",
    "Marketing Manager",
    "Sales Manager",
    "Product Manager",
    "Project Manager",
    "Office Manager",
    "Data Analyst",
    "Software Engineer",
    "Buyer",
)
PRODUCTS = ("Pilot", "Rollout", "Renewal", "Expansion", "Annual licence", "Support contract", "Migration", "Workshop")
PROBABILITY = {"new": 10, "screening": 20, "meeting": 40, "proposal": 60, "won": 100, "lost": 0}
TASK_TITLES = (
    "Send the proposal to {company}",
    "Call {person} about the {product}",
    "Prepare the demo for {company}",
    "Follow up with {person}",
    "Check the contract with {company}",
    "Ask {person} for the signed order",
    "Plan the kick-off with {company}",
    "Update the forecast for {company}",
)
NOTE_TEXTS = (
    ("Call with {person}", "{person} wants to decide within the quarter. Budget is there; IT has to agree first."),
    ("Meeting at {company}", "Met {person} in {city}. They compare two other offers. Price matters less than support."),
    ("Introduction to {company}", "{company} has {employees:,} people. {person} asked for a reference customer."),
    ("Feedback on the {product}", "{person} likes it, but the team wants training. Next talk in two weeks."),
    ("Risk at {company}", "A new purchasing rule may delay the {product}. {person} keeps us informed."),
)
COLLEAGUES = (  # name, country, time zone of
    ("Mira Sandoval", UNITED_STATES),
    ("Jonas Feldkamp", GERMANY),
    ("Aisha Rahman", UNITED_KINGDOM),
    ("Devika Rao", INDIA),
)


@dataclass(frozen=True)
class Company:
    """A company that was made, with what others need of it."""

    id: UUID
    name: str
    city: str
    country: Country
    employees: int
    domain: str
    created_at: datetime


@dataclass(frozen=True)
class Person:
    """A person that was made."""

    id: UUID
    name: str
    company: Company
    created_at: datetime


@dataclass(frozen=True)
class Deal:
    """An opportunity that was made."""

    id: UUID
    product: str
    contact: Person
    created_at: datetime
    open: bool


async def load_sample(records: Records, access: Access, actor: Actor, clock: Clock) -> dict[str, int]:
    """Fill an empty workspace; does nothing where companies exist.

    Returns:
        How many records of each object were made; empty if none.

    Raises:
        MissingPermission: The actor may not create records.
    """
    there = await records.find(actor, "company", limit=0, count="capped")
    if there.total:
        return {}
    return await _Loader(records, actor, Random(SEED), clock.now()).load(await _colleagues(access, actor))


async def _colleagues(access: Access, actor: Actor) -> list[UUID]:
    """Make the members that own and do things, the one who asks among them."""
    made = [
        await access.create_member(
            actor.workspace_id,
            name=name,
            email=f"{_letters(name)}@metier.example",
            role="member",
            time_zone=country.time_zone,
        )
        for name, country in COLLEAGUES
    ]
    asks = actor.principal.kind in (PrincipalKind.MEMBER, PrincipalKind.OPERATOR)
    return [*made, actor.principal.id] if asks else made


class _Loader:
    """Makes the records in the order in which they need each other."""

    def __init__(self, records: Records, actor: Actor, random: Random, now: datetime) -> None:
        self._records, self._actor, self._random, self._now = records, actor, random, now

    async def load(self, members: Sequence[UUID]) -> dict[str, int]:
        companies = await self._companies(members)
        people = await self._people(companies)
        deals = await self._deals(people, members)
        tasks = await self._insert("task", [self._task(deals, people, members) for _ in range(TASKS)])
        notes = await self._insert("note", [self._note(deals) for _ in range(NOTES)])
        made = {"company": companies, "person": people, "opportunity": deals, "task": tasks, "note": notes}
        return {"member": len(COLLEAGUES)} | {name: len(things) for name, things in made.items()}

    async def _insert(self, name: str, rows: Sequence[Values]) -> list[UUID]:
        return await self._records.insert(self._actor, name, rows)

    def _one(self, things: Sequence[T]) -> T:
        return self._random.choice(things)

    def _between(self, first: datetime, last: datetime) -> datetime:
        return first + (last - first) * self._random.random()

    def _soon_after(self, start: datetime) -> datetime:
        """Give a moment since then, the earlier the likelier."""
        return start + (self._now - start) * self._random.random() ** 2

    def _changed(self, created: datetime) -> Values:
        """Give the times of a record: changed at some time since it was made."""
        changed = self._between(created, self._now)
        return {"created_at": created.isoformat(), "updated_at": changed.isoformat()}

    # companies

    async def _companies(self, members: Sequence[UUID]) -> list[Company]:
        rows = [self._company(place, name, members) for place, name in enumerate(NAMES)]
        ids = await self._insert("company", [row for row, _, _ in rows])
        return [
            Company(one, row["name"], row["city"], country, row["employees"], domain, _time(row))
            for one, (row, country, domain) in zip(ids, rows, strict=True)
        ]

    def _company(self, place: int, word: str, members: Sequence[UUID]) -> tuple[Values, Country, str]:
        country = self._one(COUNTRIES)
        industry = self._one(tuple(TRADES))
        employees = round(self._one(SIZES) * self._random.uniform(0.8, 1.25))
        revenue = round(employees * REVENUE_PER_HEAD.get(industry, 160_000) * self._random.uniform(0.6, 1.5), -4)
        domain = f"{_letters(word)}.example"
        row: Values = {
            "name": f"{word} {self._one(TRADES[industry])}".strip(),
            "domain_name": f"https://{domain}",
            "industry": industry,
            "employees": employees,
            "annual_revenue": _money(revenue, country),
            "city": self._one(country.cities),
            "country": country.name,
            "ideal_customer": 40 <= employees <= 2_000 and self._random.random() < 0.7,
            "linkedin": f"https://linkedin.example/company/{_letters(word)}" if self._random.random() < 0.8 else None,
            "account_owner": str(self._one(members)) if self._random.random() < 0.9 else None,
        }
        return row | self._changed(self._company_created(place)), country, domain

    def _company_created(self, place: int) -> datetime:
        """Spread the first ones over the last seven days, one a day, and the rest over the months before."""
        if place < COMPANIES_THIS_WEEK:
            return self._now - timedelta(days=place, hours=self._random.uniform(1, 20))
        return self._between(self._now - timedelta(days=OLDEST_DAYS), self._now - timedelta(days=9))

    # people

    async def _people(self, companies: Sequence[Company]) -> list[Person]:
        """Let one person work at every company and the others at any."""
        employers = [*companies, *(self._one(companies) for _ in range(PEOPLE - len(companies)))]
        taken: set[str] = set()
        rows = [self._person(company, taken) for company in employers]
        ids = await self._insert("person", rows)
        return [
            Person(one, f"{row['name']['first_name']} {row['name']['last_name']}", company, _time(row))
            for one, row, company in zip(ids, rows, employers, strict=True)
        ]

    def _person(self, company: Company, taken: set[str]) -> Values:
        country = company.country
        first, last = self._one(country.first), self._one(country.last)
        while f"{first} {last} {company.name}" in taken:
            first, last = self._one(country.first), self._one(country.last)
        taken.add(f"{first} {last} {company.name}")
        mailbox = f"{_letters(first, country)}.{_letters(last, country)}"
        row: Values = {
            "name": {"first_name": first, "last_name": last},
            "emails": {"primary_email": f"{mailbox}@{company.domain}", "additional_emails": []},
            "job_title": self._one(JOBS),
            "phone": self._phone(country),
            "city": company.city if self._random.random() < 0.8 else self._one(country.cities),
            "company": str(company.id),
            "linkedin": f"https://linkedin.example/in/{mailbox}" if self._random.random() < 0.7 else None,
        }
        return row | self._changed(self._soon_after(company.created_at))

    def _phone(self, country: Country) -> str | None:
        if self._random.random() < 0.15:
            return None
        return f"{country.phone} 555 {self._random.randint(100, 999)} {self._random.randint(1000, 9999)}"

    # opportunities

    async def _deals(self, people: Sequence[Person], members: Sequence[UUID]) -> list[Deal]:
        known = [person for person in people if self._now - person.created_at > timedelta(days=FRESH_DAYS)]
        contacts = [self._one(people if place < FRESH_DEALS else known) for place in range(OPPORTUNITIES)]
        products = self._products(contacts)
        rows = [self._deal(*pair, members) for pair in zip(contacts, products, strict=True)]
        ids = await self._insert("opportunity", rows)
        return [
            Deal(one, product, contact, _time(row), row["stage"] not in ("won", "lost"))
            for one, row, contact, product in zip(ids, rows, contacts, products, strict=True)
        ]

    def _products(self, contacts: Sequence[Person]) -> list[str]:
        """Choose what each contact buys; a company buys the same thing once, as long as there is another."""
        bought: dict[UUID, list[str]] = {}
        for contact in contacts:
            mine = bought.setdefault(contact.company.id, [])
            mine.append(self._one([product for product in PRODUCTS if product not in mine] or PRODUCTS))
        turns = {company: iter(products) for company, products in bought.items()}
        return [next(turns[contact.company.id]) for contact in contacts]

    def _deal(self, contact: Person, product: str, members: Sequence[UUID]) -> Values:
        company = contact.company
        created = self._soon_after(contact.created_at)
        age_days = (self._now - created).days
        stage, closes = self._stage_and_close(age_days)
        amount = round(company.employees**0.6 * self._random.uniform(900, 4_000), -2)
        return {
            "name": f"{company.name} – {product}",
            "amount": _money(amount, company.country),
            "stage": stage,
            "probability": PROBABILITY[stage],
            "close_date": (self._now + timedelta(days=closes)).date().isoformat(),
            "company": str(company.id),
            "point_of_contact": str(contact.id),
            "owner": str(self._one(members)),
        } | self._changed(created)

    def _stage_and_close(self, age_days: int) -> tuple[str, int]:
        """Give a stage that fits the age, and the days until the close date: closed ones lie behind, after creation."""
        if age_days > 30 and self._random.random() < 0.5:
            stage = "won" if self._random.random() < 0.6 else "lost"
            return stage, -self._random.randint(1, age_days - 10)
        stages = ("screening", "meeting", "proposal", "proposal") if age_days > 25 else ("new", "new", "screening")
        overdue = age_days > 40 and self._random.random() < 0.12
        return self._one(stages), -self._random.randint(1, 20) if overdue else self._random.randint(3, 120)

    # tasks and notes

    def _task(self, deals: Sequence[Deal], people: Sequence[Person], members: Sequence[UUID]) -> Values:
        """Make a task, mostly about an open opportunity, else about a person."""
        deal = self._one([deal for deal in deals if deal.open]) if self._random.random() < 0.75 else None
        person = deal.contact if deal else self._one(people)
        created = self._between(max(person.created_at, self._now - timedelta(days=40)), self._now)
        due = self._between(created, self._now + timedelta(days=25))
        due = due.replace(hour=self._random.randint(7, 17), minute=0, second=0, microsecond=0)
        done = due < self._now and self._random.random() < 0.75
        title = self._one(TASK_TITLES)
        return {
            "title": title.format(company=person.company.name, person=person.name, product=_product(deal)),
            "status": "done" if done else self._one(("todo", "todo", "in_progress")),
            "priority": self._one(("low", "medium", "medium", "high", "urgent")),
            "due_at": due.isoformat(),
            "assignee": str(self._one(members)),
            "company": str(person.company.id),
            "person": str(person.id),
            "opportunity": str(deal.id) if deal else None,
            "body": f"{person.name} works at {person.company.name} in {person.company.city}.",
        } | self._changed(created)

    def _note(self, deals: Sequence[Deal]) -> Values:
        deal = self._one(deals)
        contact = deal.contact
        title, body = self._one(NOTE_TEXTS)
        words = {
            "company": contact.company.name,
            "person": contact.name,
            "city": contact.company.city,
            "employees": contact.company.employees,
            "product": _product(deal),
        }
        return {
            "title": title.format(**words),
            "body": body.format(**words),
            "company": str(contact.company.id),
            "person": str(contact.id),
            "opportunity": str(deal.id),
        } | self._changed(self._between(deal.created_at, self._now))


def _product(deal: Deal | None) -> str:
    return deal.product.lower() if deal else "next steps"


def _time(row: Values) -> datetime:
    return datetime.fromisoformat(row["created_at"])


def _money(amount: float, country: Country) -> Values:
    return {"amount_micros": int(amount) * 1_000_000, "currency_code": country.currency}


_MAILABLE = frozenset("abcdefghijklmnopqrstuvwxyz0123456789 ")


def _letters(name: str, country: Country | None = None) -> str:
    """Give a name as it stands in addresses: `Łukasz Wójcik` is `lukasz.wojcik`."""
    known = dict(country.letters) if country else {}
    special = str.maketrans({"ł": "l", "ø": "oe", "ß": "ss", "ä": "ae", "ö": "oe", "ü": "ue", "ı": "i", "đ": "d"})
    folded = unicodedata.normalize("NFKD", known.get(name, name).lower().translate(special))
    return "".join("." if letter == " " else letter for letter in folded if letter.isascii() and letter in _MAILABLE)
