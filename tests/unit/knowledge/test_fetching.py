"""Pages are fetched from where they may be, within limits; sites that misbehave are a problem, never a danger."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from ipaddress import ip_address

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.knowledge.addresses import ForbiddenAddressError, GuardedNetwork, is_allowed, networks
from infra.knowledge.crawling import Crawled, Crawler, CrawlTerms
from infra.knowledge.fetching import Fetcher, FetchError, FetchLimits, Validators, checked_url, unpacked
from infra.knowledge.robots import parse_robots
from infra.knowledge.sitemap import SitemapError, parse_sitemap
from skills.errors import KnowledgeFileError
from tests.unit.knowledge.documents import pdf
from tests.unit.knowledge.misbehaving_site import (
    Act,
    Site,
    a_site,
    bomb,
    endless,
    file,
    half,
    page,
    redirect,
    silent,
    sitemap,
    trickling,
    unchanging,
)

HERE = networks(["127.0.0.1/32"])
LIMITS = FetchLimits(seconds=30, read_seconds=30, size=1 << 20, pause=0.0)
SHORT = FetchLimits(seconds=0.3, read_seconds=0.2, size=1 << 20, pause=0.0)


@pytest.fixture
def site() -> Iterator[Site]:
    with a_site() as running:
        yield running


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    made = Fetcher(GuardedNetwork(HERE), LIMITS)
    yield made
    made.close()


def crawl(fetcher: Fetcher, url: str, terms: CrawlTerms | None = None, **known: Validators) -> Crawled:
    return Crawler(fetcher, terms or CrawlTerms(), known).read(url)


def titles(crawled: Crawled) -> list[str]:
    return [article.title for article in crawled.reading.articles]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fd00:ec2::254",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::", "2001:db8::1", "::127.0.0.1", "64:ff9b:1::a00:1", "fec0::1", "3fff::1", "5f00::1",
        "192.88.99.1", "2002:c058:6301::1",
    ],
)  # fmt: skip
def test_no_address_of_an_inner_network_is_allowed_however_it_is_written(address: str) -> None:
    assert not is_allowed(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_in_every_dress(address: object) -> None:
    plain = ip_address(str(address))
    assert is_allowed(ip_address(f"::ffff:{address}")) <= is_allowed(plain)
    assert is_allowed(ip_address(f"64:ff9b::{address}")) <= is_allowed(plain)


@pytest.mark.parametrize("named", ["10.1.0.0/16", "10.1.2.3"])
def test_what_the_operator_names_is_allowed_and_nothing_else(named: str) -> None:
    assert is_allowed(ip_address("10.1.2.3"), networks([named]))
    assert not is_allowed(ip_address("10.2.0.1"), networks([named]))


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example/", "file:///etc/passwd", "https://", "https://kim:secret@a.example/", "//a", "https://[", "x"],
)
def test_only_plain_web_addresses_are_taken(url: str) -> None:
    with pytest.raises(FetchError):
        checked_url(url)


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_a_clear_error(text: str) -> None:
    try:
        url = checked_url(f"https://help.example/{text}")
    except FetchError:
        return
    assert url.isascii()
    assert url.split("/", 3)[2] == "help.example"


def test_this_machine_is_not_asked_unless_it_is_named(site: Site) -> None:
    site.pages["/"] = page("Inner", "Secret.")
    guarded = Fetcher(GuardedNetwork(), LIMITS)
    for host in ("127.0.0.1", "localhost"):
        with pytest.raises(ForbiddenAddressError, match="not a public address"):
            guarded.fetch(site.url("/", host))
    guarded.close()
    assert site.asked == []


@pytest.mark.parametrize("to", ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.2:1/", "http://[::1]:1/"])
def test_a_redirect_into_an_inner_network_is_not_followed(site: Site, fetcher: Fetcher, to: str) -> None:
    site.pages["/"] = redirect(to)
    with pytest.raises(ForbiddenAddressError):
        fetcher.fetch(site.url("/"))


@pytest.mark.parametrize("to", ["file:///etc/passwd", "gopher://a/"])
def test_a_redirect_to_another_scheme_is_not_followed(site: Site, fetcher: Fetcher, to: str) -> None:
    site.pages["/"] = redirect(to)
    with pytest.raises(FetchError, match="not a web address"):
        fetcher.fetch(site.url("/"))


def test_a_name_that_changes_its_address_is_connected_to_where_it_was_checked(site: Site) -> None:
    answers = [["127.0.0.1"], ["169.254.169.254"]]
    asked: list[str] = []

    def resolver(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return answers.pop(0)

    site.pages["/"] = page("Returns", "Thirty days.")
    site.pages["/robots.txt"] = file(b"", "text/plain")
    fetcher = Fetcher(GuardedNetwork(HERE, resolver), LIMITS)
    assert fetcher.fetch(site.url("/", "help.example")).data is not None
    fetcher.close()  # a new connection asks again, and what it hears then is checked as well
    assert asked == ["help.example"]
    again = Fetcher(GuardedNetwork(HERE, resolver), LIMITS)
    with pytest.raises(ForbiddenAddressError):
        again.fetch(site.url("/", "help.example"))
    again.close()


def test_one_inner_address_among_a_names_addresses_is_one_too_many() -> None:
    network = GuardedNetwork((), lambda *_: ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(ForbiddenAddressError):
        network.connect_tcp("help.example", 80, 0.1)
    with pytest.raises(httpcore.ConnectError):
        GuardedNetwork((), lambda *_: []).connect_tcp("help.example", 80, 0.1)


@pytest.mark.parametrize(
    ("act", "complaint"),
    [
        (endless, "larger than 1 MB"),
        (bomb, "larger than 1 MB"),
        (file(b"\x1f\x8bno", "text/html", Content_Encoding="gzip"), "packed wrongly"),
        (file(b"x", "text/html", Content_Encoding="br"), "packed as 'br'"),
        (file(gzip.compress(b"Thirty days. " * 500)[:30], "text/html", Content_Encoding="gzip"), "cut off"),
        (half, "can't be fetched"),
        (redirect("http://["), "not a web address"),
        (lambda handler: handler.answer(304), "unasked"),
        (lambda handler: handler.answer(500), "answers 500"),
        (lambda handler: handler.answer(404), "answers 404"),
        (redirect("/"), "redirects more than"),
    ],
)  # fmt: skip
def test_a_site_that_misbehaves_is_a_clear_error(site: Site, fetcher: Fetcher, act: Act, complaint: str) -> None:
    site.pages["/"] = act
    with pytest.raises(FetchError, match=complaint):
        fetcher.fetch(site.url("/"))


@pytest.mark.parametrize("act", [trickling, silent])
def test_a_site_that_never_comes_to_an_end_is_left(site: Site, act: Act) -> None:
    site.pages["/"] = act
    fetcher = Fetcher(GuardedNetwork(HERE), SHORT)
    with pytest.raises(FetchError, match="did not answer"):
        fetcher.fetch(site.url("/"))
    fetcher.close()


def test_a_page_a_document_and_a_table_become_articles(site: Site, fetcher: Fetcher) -> None:
    site.pages["/old"] = redirect("/new")
    site.pages["/new"] = page("Returns", "Thirty days.")
    site.pages["/terms"] = file(pdf([(20, 730, "Terms"), (11, 700, "All of them.")]), "application/pdf")
    site.pages["/faq.csv"] = file(b"question,answer\nHow?,So.", "text/plain")
    found = crawl(fetcher, site.url("/old")).reading
    assert [(one.title, one.url, one.slug) for one in found.articles] == [
        ("Returns", site.url("/old"), site.url("/old"))
    ]
    assert titles(crawl(fetcher, site.url("/terms"))) == ["Terms"]
    assert titles(crawl(fetcher, site.url("/faq.csv"))) == ["How?"]
    site.pages["/alt"] = file(
        "<title>Rückgabe</title><p>Drei\x96fünf Tage".encode("latin-1"), "text/html; charset=ISO-8859-1"
    )
    (old,) = crawl(fetcher, site.url("/alt")).reading.articles
    assert (old.title, old.text) == ("Rückgabe", "Drei\N{EN DASH}fünf Tage")
    site.pages["/logo"] = file(b"\x89PNG", "image/png")
    (problem,) = crawl(fetcher, site.url("/logo")).reading.problems
    assert "of the type 'image/png'" in str(problem)


def test_the_pages_of_a_sitemap_are_read_those_of_other_hosts_never(site: Site, fetcher: Fetcher) -> None:
    for name in ("a", "b", "c", "private"):
        site.pages[f"/help/{name}"] = page(name.upper(), f"About {name}.")
    inner = sitemap(*(site.url(f"/help/{name}") for name in ("a", "b", "private", "gone")), "http://evil.example/x")
    site.pages["/inner.xml.gz"] = file(gzip.compress(inner), "application/gzip")
    site.pages["/more.xml"] = file(sitemap(site.url("/help/c"), site.url("/blog/1")), "application/xml")
    listed = [site.url(path) for path in ("/inner.xml.gz", "/more.xml", "/lost.xml", "/sitemap.xml")]
    site.pages["/sitemap.xml"] = file(sitemap(*listed, index=True), "application/xml")
    terms = CrawlTerms(include=("*/help/*",), exclude=("*/private",))
    crawled = crawl(fetcher, site.url("/sitemap.xml"), terms)
    assert titles(crawled) == ["A", "B", "C"]
    assert [problem.file for problem in crawled.reading.problems] == [site.url("/lost.xml")]
    assert site.asked.count("/sitemap.xml") == 1
    few = crawl(fetcher, site.url("/sitemap.xml"), CrawlTerms(most=2))
    assert (titles(few), few.left_out) == (["A", "B"], 4)


def test_a_bad_page_of_a_sitemap_is_reported_and_the_rest_goes_in(site: Site) -> None:
    fetcher = Fetcher(GuardedNetwork(HERE, lambda *_: ["127.0.0.1"]), LIMITS)
    site.pages["/address"] = redirect("http://[")
    site.pages["/unasked"] = lambda handler: handler.answer(304)
    site.pages["/declared"] = file(b"<p>Text.</p><![x foo>", "text/html")
    site.pages["/number"] = file(b"<p>Text &#" + b"9" * 5000 + b";</p>", "text/html")
    site.pages["/elsewhere"] = redirect(site.url("/good", "help.example"))
    site.pages["/good"] = page("Good", "Thirty days.")
    bad = [site.url(path) for path in ("/address", "/unasked", "/declared", "/number", "/elsewhere")]
    site.pages["/sitemap.xml"] = file(sitemap(*bad, site.url("/good")), "text/xml")
    crawled = crawl(fetcher, site.url("/sitemap.xml"))
    assert titles(crawled) == ["Good"]
    assert [problem.file for problem in crawled.reading.problems] == bad
    assert "another host" in str(crawled.reading.problems[-1])
    assert site.asked.count("/good") == 1
    assert fetcher.fetch(site.url("/elsewhere")).url == site.url("/good", "help.example")
    site.pages["/moved.xml"] = redirect(site.url("/sitemap.xml", "help.example"))
    with pytest.raises(FetchError, match="another host"):
        crawl(fetcher, site.url("/moved.xml"))
    fetcher.close()


def test_what_has_not_changed_is_not_sent_again(site: Site, fetcher: Fetcher) -> None:
    site.pages["/a"] = unchanging("A", "About a.")
    site.pages["/b"] = page("B", "About b.")
    site.pages["/sitemap.xml"] = file(sitemap(site.url("/a"), site.url("/b")), "text/xml")
    first = crawl(fetcher, site.url("/sitemap.xml"))
    assert first.validators[site.url("/a")] == Validators('"1"')
    second = Crawler(fetcher, known=first.validators).read(site.url("/sitemap.xml"))
    assert titles(second) == ["B"]
    assert second.reading.unchanged == (site.url("/a"),)
    assert second.validators == first.validators


def test_robots_txt_is_kept_to_and_the_pace_with_it(site: Site) -> None:
    site.pages["/robots.txt"] = file(b"User-agent: *\nDisallow: /inner\nCrawl-delay: 3", "text/plain")
    site.pages["/inner/a"] = page("A", "Not for us.")
    site.pages["/b"] = page("B", "For us.")
    pauses: list[float] = []
    fetcher = Fetcher(GuardedNetwork(HERE), LIMITS, sleep=pauses.append, clock=lambda: 0.0)
    with pytest.raises(FetchError, match=r"robots\.txt"):
        fetcher.fetch(site.url("/inner/a"))
    assert fetcher.fetch(site.url("/b")).data is not None
    fetcher.close()
    assert site.asked == ["/robots.txt", "/b"]
    assert pauses[-1] == 3.0


def test_while_robots_txt_fails_nothing_is_fetched(site: Site, fetcher: Fetcher) -> None:
    site.pages["/robots.txt"] = lambda handler: handler.answer(503)
    site.pages["/b"] = page("B", "For us.")
    with pytest.raises(FetchError, match=r"robots\.txt"):
        fetcher.fetch(site.url("/b"))


def test_a_robots_txt_that_failed_once_forbids_all_that_comes_after(site: Site, fetcher: Fetcher) -> None:
    site.pages["/robots.txt"] = file(b"\x1f\x8bno", "text/plain", Content_Encoding="gzip")
    site.pages["/b"] = page("B", "Not for us.")
    for complaint in ("packed wrongly", r"robots\.txt"):
        with pytest.raises(FetchError, match=complaint):
            fetcher.fetch(site.url("/b"))
    assert site.asked == ["/robots.txt"]


def test_of_a_large_robots_txt_the_whole_lines_at_its_beginning_hold(site: Site, fetcher: Fetcher) -> None:
    rules = b"User-agent: *\nDisallow: /a\n#"
    rules += b"x" * (512 * 1024 - len(rules) - len(b"\nAllow: /a")) + b"\nAllow: /a/open\n"
    site.pages["/robots.txt"] = file(rules, "text/plain")
    site.pages["/b"] = page("B", "For us.")
    assert fetcher.fetch(site.url("/b")).data is not None
    with pytest.raises(FetchError, match=r"robots\.txt"):
        fetcher.fetch(site.url("/a"))


@pytest.mark.parametrize("size", range(65_500, 65_600, 9))
def test_a_packed_answer_is_whole_whatever_its_size(size: int) -> None:
    data = b"x" * size
    assert b"".join(unpacked(iter([gzip.compress(data)]), "gzip", 1 << 20)) == data


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ("User-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow:", "/a", True),
        ("User-agent: other\nDisallow: /", "/a", True),
        ("User-agent: *\nDisallow: /\n\nUser-agent: csagent\nDisallow: /b", "/a", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
        ("User-agent: *\nDisallow: /*.pdf$", "/x/y.pdf", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/x/y.pdf?z", True),
        ("User-agent: *\nDisallow: /a*c*d", "/abcd", False),
        ("User-agent: one\nUser-agent: *\nDisallow: /a # not this", "/a", False),
        ("nonsense\nDisallow: /a", "/a", True),
    ],
)
def test_the_longest_rule_that_fits_decides(rules: str, path: str, *, allowed: bool) -> None:
    assert parse_robots(rules, "csagent").allows(f"https://help.example{path}") is allowed


@given(st.text(alphabet="user-agent: *\ndisallow/$%2", max_size=200), st.text(alphabet="/ab*$?%", max_size=30))
def test_any_robots_txt_can_be_read(text: str, path: str) -> None:
    assert parse_robots(text, "csagent").allows(f"https://help.example/{path}") in {True, False}


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"<html></html>", "not a sitemap"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><urlset>&b;</urlset>', "that can be read"),
        (b"<urlset>", "that can be read"),
        (b"\x1f\x8bno", "packed wrongly"),
        (gzip.compress(b" " * (65 << 20), 1), "larger than 64 MB"),
    ],
)
def test_what_is_no_sitemap_is_a_clear_error(data: bytes, complaint: str) -> None:
    with pytest.raises(SitemapError, match=complaint):
        parse_sitemap(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_sitemap_or_a_clear_error(data: bytes) -> None:
    try:
        parse_sitemap(data)
    except KnowledgeFileError:
        return
