"""Where the sample workspace's people live: names, cities and money of some countries. All persons are invented."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Country:
    """What is usual in a country.

    Attributes:
        first, last: Names as people write them there, parallel pools: any first goes with any last.
        letters: How names in another script are written in e-mail addresses, by name.
    """

    name: str
    cities: tuple[str, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]
    currency: str = "EUR"
    phone: str = "+49"
    time_zone: str = "Europe/Berlin"
    letters: tuple[tuple[str, str], ...] = ()


GERMANY = Country(
    "Germany",
    ("Berlin", "Hamburg", "München", "Köln", "Leipzig"),
    ("Jonas", "Greta", "Jürgen", "Mareike", "Tobias", "Annika", "Özlem", "Lukas"),
    ("Weiß", "Krüger", "Lindemann", "Schäfer", "Yıldız", "Brandt", "Hofmann"),
)
FRANCE = Country(
    "France",
    ("Paris", "Lyon", "Nantes", "Besançon"),
    ("Chloé", "Théo", "Anaïs", "Benoît", "Inès", "Loïc"),
    ("Lefèvre", "Moreau", "Garçon", "Dubois", "N'Diaye"),
    phone="+33",
    time_zone="Europe/Paris",
)
SPAIN = Country(
    "Spain",
    ("Madrid", "Barcelona", "A Coruña", "Cádiz"),
    ("Iñigo", "Lucía", "Álvaro", "Nuria", "Jesús"),
    ("Muñoz", "Peña", "Ibáñez", "Gallardo", "Núñez"),
    phone="+34",
    time_zone="Europe/Madrid",
)
POLAND = Country(
    "Poland",
    ("Warszawa", "Kraków", "Łódź", "Gdańsk"),
    ("Łukasz", "Małgorzata", "Zofia", "Paweł", "Agnieszka"),
    ("Wójcik", "Zieliński", "Dąbrowska", "Król", "Jabłońska"),
    phone="+48",
    time_zone="Europe/Warsaw",
)
SWEDEN = Country(
    "Sweden",
    ("Stockholm", "Göteborg", "Malmö"),
    ("Åsa", "Björn", "Elin", "Göran", "Linnéa"),
    ("Sjöberg", "Lindqvist", "Åkesson", "Holm", "Nyström"),
    phone="+46",
    time_zone="Europe/Stockholm",
)
UNITED_KINGDOM = Country(
    "United Kingdom",
    ("London", "Manchester", "Edinburgh", "Bristol"),
    ("Priya", "Callum", "Imogen", "Marcus", "Siobhán", "Tariq"),
    ("Ashworth", "O'Connell", "Patel", "Whitcombe", "Okafor", "Rahman"),
    currency="GBP",
    phone="+44",
    time_zone="Europe/London",
)
UNITED_STATES = Country(
    "United States",
    ("Portland", "Chicago", "Austin", "Boston", "Denver"),
    ("Maya", "Darnell", "Hannah", "Luis", "Brooke", "Wei", "Naomi"),
    ("Caldwell", "Ramirez", "Nguyen", "Whitfield", "Chen", "Abernathy"),
    currency="USD",
    phone="+1",
    time_zone="America/Chicago",
)
BRAZIL = Country(
    "Brazil",
    ("São Paulo", "Curitiba", "Florianópolis"),
    ("João", "Conceição", "Thaís", "Antônio", "Luíza"),
    ("Araújo", "Gonçalves", "Falcão", "Simões", "Teixeira"),
    currency="USD",
    phone="+55",
    time_zone="America/Sao_Paulo",
)
JAPAN = Country(
    "Japan",
    ("Tokyo", "Osaka", "Kyoto"),
    ("Yūko", "Kenji", "美咲", "Haruto", "Aiko"),
    ("Ōta", "Nakamura", "佐藤", "Kobayashi", "Ueda"),
    currency="USD",
    phone="+81",
    time_zone="Asia/Tokyo",
    letters=(("美咲", "misaki"), ("佐藤", "sato")),
)
GREECE = Country(
    "Greece",
    ("Athens", "Thessaloniki"),
    ("Ελένη", "Nikos", "Κώστας", "Maria"),
    ("Papadakis", "Αγγέλου", "Vlachou", "Ioannidis"),
    phone="+30",
    time_zone="Europe/Athens",
    letters=(("Ελένη", "eleni"), ("Κώστας", "kostas"), ("Αγγέλου", "angelou")),
)
INDIA = Country(
    "India",
    ("Bengaluru", "Mumbai", "Pune"),
    ("Ananya", "Rohan", "Kavya", "Arjun", "Meera"),
    ("Iyer", "Deshmukh", "Banerjee", "Reddy", "Khanna"),
    currency="USD",
    phone="+91",
    time_zone="Asia/Kolkata",
)
NIGERIA = Country(
    "Nigeria",
    ("Lagos", "Abuja"),
    ("Ngozi", "Tunde", "Adaeze", "Ọlá"),
    ("Adéyẹmí", "Okonkwo", "Balogun", "Eze"),
    currency="USD",
    phone="+234",
    time_zone="Africa/Lagos",
)

COUNTRIES = (
    GERMANY,
    FRANCE,
    SPAIN,
    POLAND,
    SWEDEN,
    UNITED_KINGDOM,
    UNITED_STATES,
    BRAZIL,
    JAPAN,
    GREECE,
    INDIA,
    NIGERIA,
)
