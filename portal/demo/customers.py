"""The forty customers of the demo: who they are and how well they are doing. All of them are invented."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from django.utils.text import slugify

INES, RAFAEL, KOFI = "ines.duarte@cairn.example", "rafael.stein@cairn.example", "kofi.asante@cairn.example"
INES_HAS = (
    "Aldermoor Logistics",
    "Aldermoor Cold Chain",
    "Aldermoor Iberia",
    "Aldermoor Sandbox EU",
    "Harrow & Pike Haulage",
    "Brackwater Foods",
    "Castellan Freight",
    "Lindqvist Medical",
    "Nordhavn Shipping",
    "Tidewell Utilities",
    "Ostrava Components",
    "Serrano Textiles",
)
PRODUCTS = {
    "P": "platform",
    "S": "sales",
    "V": "service",
    "F": "field",
    "D": "data",
    "M": "marketing",
    "C": "commerce",
    "A": "analytics",
}
LEVELS = ("product-adoption", "customer-expertise", "technical-health")


@dataclass(frozen=True)
class Customer:
    """One invented organization, and the levels that its telemetry is drawn around."""

    name: str
    industry: str
    region: str
    seats: int
    owns: str  # letters of PRODUCTS
    levels: tuple[int, int, int] = (
        70,
        70,
        75,
    )  # about where the signals of each category stand now, 0 to 100
    drift: float = 0  # points a year the levels have moved
    growth: float = 6  # percent a year that volumes grow
    plan: str = "signature"
    plan_days: int = 1500  # days ago that the plan began
    plan_ended: int = 0  # days ago that it ended; 0 runs on
    connected: int = 0  # days ago that the first number came; 0 before the demo begins
    parent: str = ""
    manager: str = ""  # address of the success manager; the demo deals them out itself
    pins: dict[str, float] = field(default_factory=dict)  # signal: exactly where it stands now

    @property
    def slug(self) -> str:
        return slugify(self.name)

    @property
    def external_id(self) -> str:
        return self.slug.upper()

    @property
    def products(self) -> tuple[str, ...]:
        return tuple(PRODUCTS[letter] for letter in self.owns)

    @property
    def csm(self) -> str:
        if self.manager:
            return self.manager
        if self.name in INES_HAS:
            return INES
        return RAFAEL if sum(self.name.encode()) % 2 else KOFI

    def row(self, today: date) -> dict[str, str | int]:
        """The customer's line of organizations.csv."""
        return {
            "external_id": self.external_id,
            "name": self.name,
            "plan": self.plan,
            "plan_from": (today - timedelta(days=self.plan_days)).isoformat(),
            "plan_to": (today - timedelta(days=self.plan_ended)).isoformat() if self.plan_ended else "",
            "industry": self.industry,
            "region": self.region,
            "seats": self.seats,
            "products": ";".join(self.products),
            "parent": slugify(self.parent).upper(),
            "csm": self.csm,
        }


ALDERMOOR = Customer(
    *("Aldermoor Logistics", "Logistics", "Western Europe", 2480, "PSVFDMCA"),
    levels=(66, 72, 83),
    drift=4,
    growth=9,
    pins={
        "sales.license_activation": 67,
        "service.license_activation": 91.25,
        "sales.forecasting_in_use": 5,  # licensed, and nobody uses it
        "service.swarming_in_use": 95,
        "platform.coaching_sessions": 50,
        "platform.threshold_reviews": 50,
        "platform.error_free_days": 90,
    },
)

CUSTOMERS: tuple[Customer, ...] = (
    ALDERMOOR,
    Customer(
        *("Aldermoor Cold Chain", "Logistics", "Northern Europe", 640, "PSVF", (86, 78, 84), 5, 14),
        parent="Aldermoor Logistics",
    ),
    Customer(
        *("Aldermoor Iberia", "Logistics", "Southern Europe", 310, "PSVF", (66, 60, 72), -5, 1),
        parent="Aldermoor Logistics",
    ),
    Customer(
        *("Aldermoor Sandbox EU", "Logistics", "Western Europe", 120, "PSV", (55, 50, 88)),
        plan_days=12,
        connected=12,
        parent="Aldermoor Logistics",
    ),
    Customer(
        *("Harrow & Pike Haulage", "Logistics", "Western Europe", 1420, "PSVF", (74, 66, 74), 2, 5),
        plan="premier",
    ),
    Customer("Brackwater Foods", "Food and beverage", "Western Europe", 3100, "PSVMC", (54, 58, 62), -9, -4),
    Customer("Castellan Freight", "Logistics", "Southern Europe", 1150, "PSFA", (66, 68, 74), -4, -6),
    Customer("Dunmore County Council", "Public sector", "Western Europe", 860, "PVD", (58, 50, 66), 3, 2),
    Customer("Lindqvist Medical", "Healthcare", "Northern Europe", 2200, "PSVF", (86, 86, 92), 3, 12),
    Customer("Marchetti & Figli", "Manufacturing", "Southern Europe", 240, "PSF", (66, 62, 72), 0, 2),
    Customer("Nordhavn Shipping", "Logistics", "Northern Europe", 6200, "PSVDA", (88, 88, 88), 4, 11),
    Customer("Oakhurst Insurance", "Financial services", "North America", 5400, "PSVDMA", (78, 74, 80), 2, 8),
    Customer("Ostrava Components", "Manufacturing", "Central Europe", 720, "PSD", (78, 72, 78), 1, 6),
    Customer("Pellaro Systems", "Technology", "North America", 430, "PSVMA", (84, 76, 80), 7, 22),
    Customer("Serrano Textiles", "Manufacturing", "Southern Europe", 95, "PSC", (50, 44, 62), -10, -9),
    Customer(
        "Tidewell Utilities", "Energy and utilities", "Western Europe", 3800, "PVFA", (74, 74, 66), -2, 4
    ),
    Customer(
        *("Amberley Trust", "Financial services", "Western Europe", 190, "PSV", (72, 66, 78), -3, 1),
        plan_days=751,
        plan_ended=20,
    ),
    Customer("Carrick Mutual", "Financial services", "Western Europe", 1300, "PSVD", (72, 74, 74), 3, 7),
    Customer("Delmar Ceramics", "Manufacturing", "Latin America", 210, "PSCA", (70, 64, 76), 0, 3),
    Customer("Dovrefjell Rail", "Travel and transport", "Northern Europe", 1750, "PVFD", (72, 70, 78), 2, 6),
    Customer("Vessbrook Paper", "Manufacturing", "Northern Europe", 540, "PSV", (74, 66, 76), 1, 4),
    Customer("Quillmere Press", "Media", "Western Europe", 60, "SM", (74, 0, 0), 0, 3),
    Customer(
        "Ferrowick Energy", "Energy and utilities", "North America", 24500, "PSVFDMA", (82, 82, 86), 3, 9
    ),
    Customer("Sandelis Hotels", "Travel and transport", "Southern Europe", 2900, "PSVMC", (72, 64, 70), 3, 8),
    Customer("Halvard & Rusk", "Professional services", "Northern Europe", 45, "PS", (94, 94, 95), 2, 15),
    Customer("Torvane Steel", "Manufacturing", "Central Europe", 4100, "PSVFD", (62, 56, 64), -8, -5),
    Customer("Kestrelby Airports", "Travel and transport", "Western Europe", 1900, "PSV", (66, 62, 72)),
    Customer("Orrin Bay Marine", "Logistics", "Asia Pacific", 34, ""),
    Customer("Lumenbrook Schools", "Education", "North America", 980, "PVA", (72, 76, 82), 4, 5),
    Customer(
        *("Wexcombe Diagnostics", "Healthcare", "Western Europe", 260, "PSV", (66, 60, 76)),
        plan_days=55,
        connected=55,
    ),
    Customer("Isarwind Telecom", "Telecom", "Central Europe", 8800, "PSVDM", (70, 60, 70), 2, 5),
    Customer("Corvane Retail", "Retail", "Western Europe", 1600, "PSMCA", (76, 68, 74), 6, 12),
    Customer("Maplestead Credit", "Financial services", "North America", 220, "PSV", (82, 80, 84), 2, 8),
    Customer("Thornquay Ports", "Logistics", "Asia Pacific", 1250, "PVFD", (70, 66, 72), 1, 4),
    Customer("Zephyrine Air", "Travel and transport", "North America", 3300, "PSVMC", (64, 66, 70), -4, 0),
    Customer("Gullhaven Seafood", "Food and beverage", "Northern Europe", 180, "PSC", (72, 66, 74), 2, 9),
    Customer("Ellerwood Dental", "Healthcare", "North America", 48, "PSM", (70, 58, 82), 3, 6),
    Customer(
        *("Quintavale Wines", "Food and beverage", "Southern Europe", 75, "PMC", (72, 60, 76), 1, 5),
        plan="standard",
    ),
    Customer("Rookhope Mining", "Mining", "Asia Pacific", 6400, "PSFA", (52, 46, 62), -6, -8),
    Customer("Silverlode Toys", "Retail", "North America", 390, "PSMC", (78, 70, 78), 4, 10),
)
