"""How files are answered, what pages may load, what probes and robots are told."""

import asyncio
import base64
import gzip
import hashlib
import os
import re
from importlib.resources import files

import pytest
from portal_site import ask, make_world, write

from observatory.portal.files import Bodies, Body
from observatory.portal.policies import BARE, BUNDLE_STYLES, policy_of
from observatory.portal.serving import server
from observatory.portal.settings import AddressError, Settings, origin_of

CSV = "/donnees/observations.csv"
MODIFIED = "Wed, 25 Nov 2026 12:00:00 GMT"


@pytest.fixture
def world(tmp_path):
    world = make_world(tmp_path)
    # 25 November 2026, noon.
    os.utime(world.paths.site / "donnees/observations.csv", (1795608000, 1795608000))
    return world


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def rules(policy: str) -> dict[str, list[str]]:
    return {name: values for name, *values in (rule.split() for rule in policy.split("; "))}


# --- Files -----------------------------------------------------------------------------------------------


def test_a_file_is_sent_as_it_is(world):
    content = (world.paths.site / "donnees/observations.csv").read_bytes()
    answer = ask(world, CSV)
    assert (answer.status, answer.body) == (200, content)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["last-modified"] == MODIFIED
    assert answer.headers["cache-control"] == "public, no-cache"
    assert answer.headers["vary"] == "Accept-Encoding"
    # A second time, from memory.
    assert ask(world, CSV) == answer


def test_texts_are_compressed_for_who_can_read_that(world):
    plain = ask(world, CSV)
    packed = ask(world, CSV, **{"accept-encoding": "br, gzip"})
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["content-length"] == str(len(packed.body))
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["etag"] == "W/" + plain.headers["etag"]
    assert "content-encoding" not in plain.headers


def test_head_says_what_get_would(world):
    for named in ({}, {"accept-encoding": "gzip"}):
        got, told = ask(world, CSV, **named), ask(world, CSV, "HEAD", **named)
        assert (told.status, told.headers, told.body) == (200, got.headers, b"")


@pytest.mark.parametrize(
    ("named", "status"),
    [
        ({"if-none-match": "{tag}"}, 304),
        ({"if-none-match": 'W/{tag}, "autre"'}, 304),
        ({"if-none-match": "*"}, 304),
        ({"if-none-match": '"autre"'}, 200),
        ({"if-none-match": '"autre"', "if-modified-since": MODIFIED}, 200),
        ({"if-modified-since": MODIFIED}, 304),
        ({"if-modified-since": "Wed, 25 Nov 2026 11:59:59 GMT"}, 200),
        ({"if-modified-since": "hier"}, 200),
    ],
)
def test_what_has_not_changed_is_not_sent_again(world, named, status):
    tag = ask(world, CSV).headers["etag"]
    answer = ask(world, CSV, **{name: value.format(tag=tag) for name, value in named.items()})
    assert answer.status == status
    assert (answer.body == b"") == (status == 304)
    assert answer.headers["etag"] == tag


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [("bytes=0-3", 206, slice(0, 4)), ("bytes=-4", 206, slice(-4, None)),
     ("bytes=9999999-", 416, slice(0, 0)), ("bytes=abc", 400, None), ("bytes=1595-", 206, slice(1595, None))],
)  # fmt: skip
def test_parts_of_a_file(world, asked, status, part):
    content = (world.paths.site / "donnees/observations.csv").read_bytes()
    answer = ask(world, CSV, range=asked)
    assert answer.status == status
    if part is not None:
        assert answer.body == content[part]


def test_a_part_of_a_former_file_is_not_sent(world):
    tag = ask(world, CSV).headers["etag"]
    assert ask(world, CSV, range="bytes=0-3", **{"if-range": tag}).status == 206
    write(world.paths.site / "donnees/observations.csv", "autre contenu\n" * 100)
    answer = ask(world, CSV, range="bytes=0-3", **{"if-range": tag})
    assert (answer.status, answer.body[:14]) == (200, b"autre contenu\n")


def test_a_new_edition_is_served_at_once(world):
    """Same name, same size, same date: another file all the same."""
    path = world.paths.site / "cites/index.html"
    before, state = ask(world, "/cites/"), path.stat()
    write(path.with_name("suite"), path.read_text("utf-8").replace("Cités", "Citéz"))
    os.utime(path.with_name("suite"), ns=(state.st_atime_ns, state.st_mtime_ns))
    path.with_name("suite").replace(path)
    assert len(before.body) == len(ask(world, "/cites/").body)
    assert "Citéz" in ask(world, "/cites/").body.decode()


def test_large_files_are_sent_by_pieces_from_the_file_that_was_opened(world):
    content = os.urandom(3_000_000)
    (world.paths.site / "donnees/tout.parquet").write_bytes(content)
    answer = ask(world, "/donnees/tout.parquet", **{"accept-encoding": "gzip"})
    assert answer.body == content
    assert "content-encoding" not in answer.headers
    assert ask(world, "/donnees/tout.parquet", range="bytes=2999990-").body == content[-10:]
    assert len(world.portal.bodies._kept) == 0


def test_a_folder_needs_its_slash(world):
    answer = ask(world, "/cites?a=1")
    assert (answer.status, answer.headers["location"]) == (308, "/cites/")
    assert ask(world, "/donnees/").status == 404


def test_the_page_for_what_does_not_exist_leads_back_from_anywhere(world):
    answer = ask(world, "/cites/x/y/absente")
    page = answer.body.decode()
    assert (answer.status, "Page introuvable" in page) == (404, True)
    assert 'href="/cites/index.html"' in page
    assert 'data-root="/"' in page
    (world.paths.site / "404.html").unlink()
    assert "Cette adresse ne mène à rien" in ask(world, "/absente").body.decode()


def test_memory_is_bounded():
    bodies = Bodies(most=100)
    for number in range(50):
        bodies.put((number,), Body(b"a" * 20, BARE))
        bodies.put((number, "too large"), Body(b"a" * 26, BARE))
    assert sum(len(body.content) for body in bodies._kept.values()) <= 100
    assert bodies.get((49,)) is not None
    assert bodies.get((0,)) is None
    assert bodies.get((49, "too large")) is None


# --- Policies and headers --------------------------------------------------------------------------------


def test_every_answer_carries_the_headers(world):
    for target in ("/", CSV, "/absente", "/cites", "/sante", "/robots.txt", "/partenaires/connexion"):
        headers = ask(world, target).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["x-frame-options"] == "DENY"
        assert headers["strict-transport-security"] == "max-age=31536000"
        assert "camera=()" in headers["permissions-policy"]
        policy = rules(headers["content-security-policy"])
        assert policy["default-src"] == policy["frame-ancestors"] == ["'none'"]
        assert not {"'unsafe-inline'", "'unsafe-eval'", "*"} & {
            one for many in policy.values() for one in many
        }
    assert ask(world, CSV).headers["content-security-policy"] == BARE


def test_a_page_may_run_its_own_scripts_and_styles_and_no_other():
    style, script = "p > b { color: red }\n", "let a = '<b>' && 1;\n"
    page = (
        f"<!doctype html><style>{style}</style><script>{script}</script>"
        '<script type="application/json">{"a": 1}</script><p>é'
    )
    policy = rules(policy_of(page.encode()))
    assert policy["style-src"] == ["'self'", digest(style)]
    assert policy["script-src"] == ["'self'", digest(script)]
    assert policy["base-uri"] == ["'none'"]
    assert policy["form-action"] == ["'self'"]
    assert "style-src-attr" not in policy


def test_only_a_page_with_style_attributes_allows_them():
    assert "style-src-attr 'unsafe-inline'" in policy_of(b'<!doctype html><p style="width: 12.5%">a')
    assert "unsafe" not in policy_of(b"<!doctype html><p title='style=\"a\"'>&lt;p style=''>")


def test_the_fingerprints_of_the_charts_library_are_those_of_its_bundle():
    bundle = (files("plotly") / "package_data/plotly.min.js").read_text("utf-8")
    sheets = re.findall(r'"(\.maplibregl-map\{(?:[^"\\]|\\.)*)"', bundle) + re.findall(
        r"'(\.maplibregl-map\{(?:[^'\\]|\\.)*)'", bundle
    )
    found = {
        hashlib.sha256(re.sub(r"\\(.)", r"\1", sheet.replace("\\n", "\n")).encode()).digest()
        for sheet in sheets
    }
    assert found
    assert found <= BUNDLE_STYLES


def test_probes_are_told_which_edition_is_served(world):
    answer = ask(world, "/sante", host="127.0.0.1:8000")
    assert (answer.status, answer.body) == (
        200,
        b'{"ok":true,"release":"2026-1","published_on":"2026-11-25"}',
    )
    world.paths.site.rename(world.paths.root / "parti")
    answer = ask(world, "/sante")
    assert (answer.status, answer.body) == (503, b'{"ok":false}')
    assert ask(world, "/").status == 503


def test_robots_stay_out_of_the_partners_part(world):
    assert ask(world, "/robots.txt").body.decode() == "User-agent: *\nDisallow: /partenaires/\nAllow: /\n"
    write(world.paths.site / "robots.txt", "User-agent: *\nAllow: /\nSitemap: https://a.fr/sitemap.xml\n")
    assert ask(world, "/robots.txt").body.decode() == (
        "User-agent: *\nDisallow: /partenaires/\nAllow: /\nSitemap: https://a.fr/sitemap.xml\n"
    )


def test_pages_of_another_tier_never_share_memory(world):
    ask(world, "/")
    kept = len(world.portal.bodies._kept)
    world.signed_in("sia").get("/partenaires/editions/sia-habitat/")
    assert len(world.portal.bodies._kept) == kept


# --- Addresses -------------------------------------------------------------------------------------------


def test_only_tls_is_reached_from_beyond_this_machine():
    assert origin_of(None, "127.0.0.1", 8000) == "http://127.0.0.1:8000"
    assert origin_of(None, "::1", 80) == "http://[::1]:80"
    assert origin_of("https://a.exemple.fr/", "0.0.0.0", 8000) == "https://a.exemple.fr"
    for host in ("0.0.0.0", "192.0.2.1", "::", "observatoire"):
        with pytest.raises(AddressError, match="Que faire"):
            origin_of(None, host, 8000)
    for address in (
        "http://a.fr",
        "a.fr",
        "https://a.fr/site",
        "https://a@b.fr",
        "https://",
        "https://a.fr?b",
    ):
        with pytest.raises(AddressError, match="Que faire"):
            origin_of(address, "127.0.0.1", 8000)


@pytest.mark.parametrize(
    ("proxies", "peer", "said", "found"),
    [
        ([], "127.0.0.1", "198.51.100.7", "127.0.0.1"),
        (["127.0.0.1"], "127.0.0.1", "198.51.100.7", "198.51.100.7"),
        (["127.0.0.1"], "127.0.0.1", "192.0.2.1, 198.51.100.7", "198.51.100.7"),
        (["127.0.0.1"], "203.0.113.9", "198.51.100.7", "203.0.113.9"),
        (["10.0.0.0/8"], "10.1.2.3", "198.51.100.7", "198.51.100.7"),
    ],
)
def test_only_named_proxies_are_believed(proxies, peer, said, found):
    """The address that counts is the last one that no named proxy has: those before it may be invented."""
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["client"][0])

    config = server(app, "127.0.0.1", 0, proxies).config
    config.load()
    headers = [(b"x-forwarded-for", said.encode())]
    scope = {"type": "http", "client": (peer, 1), "scheme": "http", "headers": headers, "method": "GET"}
    asyncio.run(config.loaded_app(scope, None, None))
    assert seen == [found]


def test_the_host_of_the_address_is_the_one_that_is_answered(tmp_path):
    paths = make_world(tmp_path).paths
    assert Settings(paths, "https://a.exemple.fr:8443").hosts[0] == "a.exemple.fr"
