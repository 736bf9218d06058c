"""Walks the site as one person does: every link and form that their pages hold; knows no page by name."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, Resolver404, URLPattern, URLResolver, get_resolver, resolve, reverse

MOST_QUERIES = 3  # of one path: a list can be sorted and paged in more ways than tell anything new
MOST_PAGES = 600
ECHOED = frozenset({"csrfmiddlewaretoken", "next"})  # else the same form is another one on every page
LEAVES = frozenset(
    {"account_logout", "impersonation-end", "stop-seeing"}
)  # whoever goes there is somebody else


@dataclass(frozen=True)
class Form:
    """One form of a page: where it goes, and what it would send untouched."""

    page: str = field(compare=False)
    action: str
    method: str
    values: tuple[tuple[str, str], ...]
    texts: tuple[str, ...]  # names of what people type into

    @property
    def data(self) -> dict[str, str]:
        return dict(self.values)


@dataclass
class Crawl:
    """What one person found."""

    answers: dict[str, Any] = field(default_factory=dict)  # address: response
    forms: set[Form] = field(default_factory=set)
    led_to: set[str] = field(default_factory=set)  # paths that stand on another page

    @property
    def addresses(self) -> set[str]:
        return set(self.answers) | {form.action for form in self.forms}


class Page(HTMLParser):
    """Links and forms of one page."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._form: dict[str, Any] | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        for name in ("href", "src", "formaction", "data-href", "data-url"):
            if found.get(name) and tag != "use":
                self.links.append(found[name])
        if tag == "form":
            action = urljoin(self.address, found.get("action") or self.address)
            self._form = {
                "action": action,
                "method": found.get("method", "get").lower(),
                "values": {},
                "texts": [],
            }
        if self._form is None or not found.get("name"):
            if tag == "option" and self._form is not None and self._select and "selected" in found:
                self._form["values"][self._select] = found.get("value", "")
            return
        if tag == "select":
            self._select = found["name"]
            self._form["values"].setdefault(self._select, "")
        elif tag == "textarea" or (tag == "input" and found.get("type", "text") not in ("checkbox", "radio")):
            self._form["values"][found["name"]] = found.get("value", "")
            if found.get("type", "text") not in ("hidden", "submit"):
                self._form["texts"].append(found["name"])
        elif tag == "input" and "checked" in found:
            self._form["values"][found["name"]] = found.get("value", "on")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        if tag == "form" and self._form is not None:
            values = {
                name: value for name, value in self._form["values"].items() if name != "csrfmiddlewaretoken"
            }
            self.forms.append(
                Form(
                    self.address,
                    self._form["action"],
                    self._form["method"],
                    tuple(sorted(values.items())),
                    tuple(self._form["texts"]),
                )
            )
            self._form = None


class undone:  # noqa: N801 - reads as what happens to the block
    """Whatever the block changes is taken back; as in a test case, what is durable may stand inside."""

    def __enter__(self) -> None:
        self.block = transaction.atomic()
        self.block._from_testcase = True
        self.block.__enter__()

    def __exit__(self, *error: object) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)


def crawl(client: Client, starts: Iterable[str]) -> Crawl:
    """Everything this person reaches by GET from here."""
    found, waiting = Crawl(), deque(starts)
    queries: Counter[str] = Counter()
    while waiting and len(found.answers) < MOST_PAGES:
        address = urldefrag(waiting.popleft()).url
        path = urlsplit(address).path
        if address in found.answers or not is_ours(address) or queries[path] >= MOST_QUERIES:
            continue
        queries[path] += 1
        answer = found.answers[address] = client.get(address)
        if answer.status_code in (301, 302):
            waiting.append(urljoin(address, answer["Location"]))
            found.led_to.add(urlsplit(waiting[-1]).path)
        elif "text/html" in answer.get("Content-Type", ""):
            page = Page(address)
            page.feed(answer.content.decode())
            links = [urljoin(address, link) for link in page.links]
            waiting.extend(links)
            steps = links + [form.action for form in page.forms]
            found.led_to |= {urlsplit(step).path for step in steps} - {path}
            found.forms |= {form for form in page.forms if is_ours(form.action)}
            waiting.extend(form.action for form in page.forms if form.method == "get")
    return found


def is_ours(address: str) -> bool:
    """Whether it is a page of the site that leaves us who we are."""
    parts = urlsplit(address)
    if parts.netloc or parts.scheme or parts.path.startswith("/static/"):
        return False
    try:
        return resolve(parts.path).view_name not in LEAVES
    except Resolver404:
        return False


def patterns(resolver: URLResolver | None = None, space: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address of the site, by its name."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, f"{pattern.namespace}:" if pattern.namespace else space)
        else:
            yield f"{space}{pattern.name}", pattern


def starts(slug: str) -> list[str]:
    """Every address that takes nothing or this organization, whether or not a link leads there."""
    every = []
    for name, pattern in patterns():
        takes = set(pattern.pattern.converters)
        for given in ({}, {"slug": slug}):
            if takes in (set(given), set()):
                try:
                    every.append(reverse(name, kwargs=given))
                except NoReverseMatch:
                    continue  # below something that takes more
    return sorted(set(every))
