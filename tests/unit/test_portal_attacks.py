"""What is tried against the portal from outside, and by one partner against another."""

import json
import re
import stat

import pytest
from portal_site import ORIGIN, PASSWORD, SECRET, SIGN_IN, ask, make_world, sign_in, token_of, write_edition

from observatory.portal.accounts import FAILURES, IDLE, LOCKED
from observatory.portal.limits import Buckets

EDITIONS = "/partenaires/editions"
WRONG = "autre chose de long"


@pytest.fixture
def world(tmp_path):
    return make_world(tmp_path)


def lines(world) -> list[dict]:
    return [json.loads(line) for line in world.paths.downloads.read_text("utf-8").splitlines()]


# --- Who gets what ---------------------------------------------------------------------------------------


def test_a_partner_gets_its_own_edition(world):
    client = world.signed_in("lens")
    assert "CA de Lens" in client.get("/partenaires/").text
    assert client.get(f"{EDITIONS}/ca-lens/").text.count("Édition de Lens") == 2
    assert client.get(f"{EDITIONS}/ca-lens/LISEZMOI.txt").text == "Édition de Lens\n"
    assert client.get(f"{EDITIONS}/ca-lens/donnees/observations.csv").text == "valeur\nde Lens\n"
    archive = client.get(f"{EDITIONS}/ca-lens.zip")
    assert archive.headers["content-type"] == "application/zip"
    assert int(archive.headers["content-length"]) == len(archive.content)


OTHERS = [
    f"{EDITIONS}/sia-habitat/",
    f"{EDITIONS}/sia-habitat/index.html",
    f"{EDITIONS}/sia-habitat/LISEZMOI.txt",
    f"{EDITIONS}/sia-habitat/donnees/observations.csv",
    f"{EDITIONS}/sia-habitat.zip",
    f"{EDITIONS}/ca-lens/../sia-habitat/LISEZMOI.txt",
    f"{EDITIONS}/ca-lens/%2e%2e/sia-habitat/LISEZMOI.txt",
    f"{EDITIONS}/ca-lens/..%2fsia-habitat/LISEZMOI.txt",
    f"{EDITIONS}/ca-lens/%2e%2e%2fsia-habitat%2fLISEZMOI.txt",
    f"{EDITIONS}/ca-lens%2f..%2fsia-habitat/LISEZMOI.txt",
    f"{EDITIONS}/ca-lens/autre/../../sia-habitat/LISEZMOI.txt",
    f"{EDITIONS}/CA-LENS/../sia-habitat/LISEZMOI.txt",
    f"{EDITIONS}/ca-lens/../../partners/sia-habitat/LISEZMOI.txt",
    f"{EDITIONS}/../editions/sia-habitat/LISEZMOI.txt",
    f"{EDITIONS}/ca-lens.zip/../sia-habitat.zip",
    f"{EDITIONS}/ca-lens%2f..%2fsia-habitat.zip",
    f"{EDITIONS}/*/LISEZMOI.txt",
    f"{EDITIONS}/./sia-habitat/LISEZMOI.txt",
]


def test_the_edition_of_another_does_not_exist(world):
    """Same answer as for a partner that nobody ever heard of."""
    session = world.signed_in("lens").cookies["__Host-seance"]
    unknown = ask(world, f"{EDITIONS}/inconnu/LISEZMOI.txt", cookie=f"__Host-seance={session}")
    for target in OTHERS:
        answer = ask(world, target, cookie=f"__Host-seance={session}")
        assert (answer.status, answer.body) == (404, unknown.body), target
        assert SECRET.encode() not in answer.body


@pytest.mark.parametrize(
    "target", [f"{EDITIONS}/sia-habitat/", f"{EDITIONS}/inconnu/", f"{EDITIONS}/ca-lens.zip"]
)
def test_without_a_session_every_edition_leads_to_the_form(world, target):
    answer = world.client().get(target)
    assert (answer.status_code, answer.headers["location"], answer.text) == (303, SIGN_IN, "")


def test_no_link_in_an_edition_leads_to_another(world):
    (world.paths.partners / "ca-lens/autre").symlink_to(world.paths.partners / "sia-habitat")
    (world.paths.partners / "ca-lens/lien.txt").symlink_to("../sia-habitat/LISEZMOI.txt")
    client = world.signed_in("lens")
    assert client.get(f"{EDITIONS}/ca-lens/autre/LISEZMOI.txt").status_code == 404
    assert client.get(f"{EDITIONS}/ca-lens/lien.txt").status_code == 404
    assert SECRET.encode() not in client.get(f"{EDITIONS}/ca-lens.zip").content
    assert "lien.txt" not in client.get("/partenaires/").text


def test_an_agreement_that_ends_closes_at_once(world):
    client = world.signed_in("sia")
    assert client.get(f"{EDITIONS}/sia-habitat/").status_code == 200
    world.agree(last=str(world.clock.day))
    assert client.get(f"{EDITIONS}/sia-habitat/").status_code == 200
    world.clock.now += 12 * 3600
    client = world.signed_in("sia")
    assert (world.paths.partners / "sia-habitat").is_dir()
    assert client.get(f"{EDITIONS}/sia-habitat/").status_code == 404
    assert client.get(f"{EDITIONS}/sia-habitat.zip").status_code == 404
    home = client.get("/partenaires/")
    assert "Aucune convention en vigueur" in home.text
    assert "sia-habitat/" not in home.text


def test_a_broken_file_of_agreements_closes_everything(world):
    client = world.signed_in("sia")
    (world.paths.confidential / "conventions.yaml").write_text("agreements: [}", encoding="utf-8")
    for target in ("/partenaires/", f"{EDITIONS}/sia-habitat/", f"{EDITIONS}/sia-habitat.zip"):
        answer = client.get(target)
        assert answer.status_code == 503
        assert SECRET not in answer.text
    assert client.get("/").status_code == 200


def test_examples_open_nothing_once_a_delivery_is_real(world):
    client = world.signed_in("sia")
    recorded = world.paths.confidential / "conventions.yaml"
    example = "fictive: true" + recorded.read_text("utf-8")
    world.paths.sample.mkdir()
    (world.paths.sample / "conventions.yaml").write_text(example, encoding="utf-8")
    recorded.unlink()
    assert client.get(f"{EDITIONS}/sia-habitat/").status_code == 404
    world.all_fictive = True
    assert client.get(f"{EDITIONS}/sia-habitat/").status_code == 200
    # The same example, where signed agreements are to be.
    recorded.write_text(example, encoding="utf-8")
    assert client.get(f"{EDITIONS}/sia-habitat/").status_code == 200
    world.all_fictive = False
    assert client.get(f"{EDITIONS}/sia-habitat/").status_code == 404


def test_no_agreement_file_opens_nothing(world):
    client = world.signed_in("sia")
    (world.paths.confidential / "conventions.yaml").unlink()
    assert client.get(f"{EDITIONS}/sia-habitat/").status_code == 404


# --- Sessions and forms ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [lambda t: t[:-1], lambda t: t + "a", lambda t: t[::-1], lambda t: "a" * 43, lambda t: "", lambda t: '"'],
)  # fmt: skip
def test_forged_tokens_open_nothing(world, change):
    token = world.signed_in("sia").cookies["__Host-seance"]
    answer = ask(world, f"{EDITIONS}/sia-habitat/", cookie=f"__Host-seance={change(token)}")
    assert (answer.status, answer.headers["location"]) == (303, SIGN_IN)
    assert ask(world, f"{EDITIONS}/sia-habitat/", cookie=f"__Host-seance={token}").status == 200
    # Under another name, as a cookie that a neighbouring host could set.
    assert ask(world, f"{EDITIONS}/sia-habitat/", cookie=f"seance={token}").status == 303


def test_expired_and_revoked_sessions_open_nothing(world):
    first, second = world.signed_in("sia"), world.signed_in("sia", "203.0.113.77")
    second.post("/partenaires/deconnexion", data={"jeton": token_of(second.get("/partenaires/").text)})
    assert second.get(f"{EDITIONS}/sia-habitat/").status_code == 303
    assert first.get(f"{EDITIONS}/sia-habitat/").status_code == 200
    world.clock.now += IDLE
    assert first.get(f"{EDITIONS}/sia-habitat/").status_code == 303
    third = world.signed_in("sia", "203.0.113.78")
    world.accounts.revoke("sia")
    assert third.get(f"{EDITIONS}/sia-habitat/").status_code == 303


def test_a_session_is_never_one_that_the_browser_came_with(world):
    client = world.client()
    client.cookies.set("__Host-seance", "choisi-par-un-autre", domain="portail.exemple.fr")
    answer = sign_in(client, "lens")
    (given,) = re.findall(r"__Host-seance=([^;]*)", answer.headers["set-cookie"])
    assert given != "choisi-par-un-autre"
    assert len(given) == 43
    again = sign_in(client, "lens")
    assert given not in again.headers["set-cookie"]
    assert ask(world, "/partenaires/", cookie=f"__Host-seance={given}").status == 303


def test_cookies_are_for_this_host_over_tls_and_no_script(world):
    client = world.client()
    cookies = [
        client.get(SIGN_IN).headers["set-cookie"],
        *sign_in(client, "lens").headers.get_list("set-cookie"),
    ]
    assert len(cookies) == 3
    for cookie in cookies:
        assert cookie.startswith("__Host-")
        assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


def test_on_loopback_cookies_do_without_tls(tmp_path):
    world = make_world(tmp_path, origin="http://127.0.0.1:8000")
    answer = sign_in(world.client(), "lens")
    assert "Secure" not in answer.headers["set-cookie"]
    assert "__Host-" not in answer.headers["set-cookie"]
    assert "strict-transport-security" not in answer.headers


def test_forms_sent_from_elsewhere_are_refused(world):
    fields = {"nom": "lens", "mot_de_passe": PASSWORD}
    other = world.client("203.0.113.80")
    stolen = token_of(other.get(SIGN_IN).text)
    for token, cookie in (
        (None, True),
        ("", True),
        ("0" * 64, True),
        ("é", True),
        (stolen, True),
        (stolen, False),
    ):
        client = world.client("203.0.113.81")
        if cookie:
            client.get(SIGN_IN)
        answer = client.post(SIGN_IN, data=fields | ({} if token is None else {"jeton": token}))
        assert answer.status_code == 403, token
        assert "__Host-seance" not in client.cookies
    for origin in (
        "https://exemple.org",
        "null",
        "http://portail.exemple.fr",
        "https://portail.exemple.fr.exemple.org",
    ):
        client = world.client("203.0.113.82")
        token = token_of(client.get(SIGN_IN).text)
        answer = client.post(SIGN_IN, data=fields | {"jeton": token}, headers={"origin": origin})
        assert answer.status_code == 403, origin
    token = token_of(client.get(SIGN_IN).text)
    assert client.post(SIGN_IN, data=fields | {"jeton": token}, headers={"origin": ORIGIN}).status_code == 303


def test_signing_out_takes_the_token_of_that_session(world):
    client, other = world.signed_in("lens"), world.signed_in("sia", "203.0.113.83")
    for token in ("", token_of(other.get("/partenaires/").text), token_of(world.client().get(SIGN_IN).text)):
        assert client.post("/partenaires/deconnexion", data={"jeton": token}).status_code == 403
    assert client.get("/partenaires/").status_code == 200
    done = client.post("/partenaires/deconnexion", data={"jeton": token_of(client.get("/partenaires/").text)})
    assert (done.status_code, done.headers["location"]) == (303, SIGN_IN)
    assert client.get("/partenaires/").status_code == 303


def test_other_methods_are_refused(world):
    client = world.signed_in("lens")
    for target in ("/partenaires/deconnexion", SIGN_IN, "/partenaires/", "/", f"{EDITIONS}/ca-lens/"):
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "GETT"):
            assert client.request(method, target).status_code == 405, (method, target)
    assert client.get("/partenaires/").status_code == 200


# --- Guessing --------------------------------------------------------------------------------------------


def test_known_unknown_closed_and_locked_names_cannot_be_told_apart(world):
    world.accounts.create("parti", "ca-lens", PASSWORD)
    world.accounts.revoke("parti")
    world.accounts.create("echu", "ca-lens", PASSWORD)
    world.accounts.expire("echu", world.clock.day.replace(year=2025))
    world.accounts.create("bloque", "ca-lens", PASSWORD)
    for _ in range(FAILURES):
        world.accounts.sign_in("bloque", WRONG)
    cases = [("lens", WRONG), ("personne", WRONG), ("parti", PASSWORD), ("echu", PASSWORD),
             ("bloque", PASSWORD), ("", ""), ("a" * 900, "b" * 900), ("é\x00", WRONG)]  # fmt: skip
    seen = []
    client = world.client()
    token = token_of(client.get(SIGN_IN).text)
    world.portal.sign_ins = Buckets(100, 1)
    for name, password in cases:
        world.hasher.checked.clear()
        answer = client.post(SIGN_IN, data={"jeton": token, "nom": name, "mot_de_passe": password})
        headers = {key: value for key, value in answer.headers.items() if key != "date"}
        seen.append((answer.status_code, answer.text, headers, list(world.hasher.checked)))
    assert seen[0][0] == 403
    assert len(seen[0][3]) == 1
    assert all(one == seen[0] for one in seen)
    assert [one for one in lines(world) if one.keys() != {"at", "what", "address"}] == []


def test_an_account_is_locked_whatever_the_addresses(world):
    for number in range(FAILURES):
        assert sign_in(world.client(f"198.51.100.{number}"), "lens", WRONG).status_code == 403
    assert sign_in(world.client("198.51.100.99"), "lens").status_code == 403
    assert sign_in(world.client("198.51.100.98"), "sia").status_code == 303
    world.clock.now += LOCKED
    assert sign_in(world.client("198.51.100.97"), "lens").status_code == 303


def test_an_address_may_not_try_for_ever(world):
    client = world.client()
    token = token_of(client.get(SIGN_IN).text)
    statuses = []
    for number in range(12):
        form = {"jeton": token, "nom": f"personne{number}", "mot_de_passe": WRONG}
        answer = client.post(SIGN_IN, data=form)
        statuses.append(answer.status_code)
    assert statuses == [403] * 10 + [429] * 2
    assert 0 < int(answer.headers["retry-after"]) <= 31
    assert "Trop de demandes" in answer.text
    # Not even a password was looked at.
    assert len(world.hasher.checked) == 10
    assert sign_in(world.client("198.51.100.1"), "lens").status_code == 303


def test_an_address_may_not_ask_for_ever(world):
    client = world.client()
    statuses = [client.get(f"{EDITIONS}/ca-lens/").status_code for _ in range(130)]
    assert set(statuses[:120]) == {303}
    assert 429 in statuses[120:]
    assert client.get("/").status_code == 200


# --- Sizes and hosts -------------------------------------------------------------------------------------


def test_forms_that_are_too_long_are_refused(world):
    client = world.client()
    token = token_of(client.get(SIGN_IN).text)
    form = {"jeton": token, "nom": "lens", "mot_de_passe": "a" * 5000}
    assert client.post(SIGN_IN, data=form).status_code == 413

    def chunks():
        for _ in range(100):
            yield b"a" * 100

    named = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post(SIGN_IN, content=chunks(), headers=named).status_code == 413
    assert world.hasher.checked == []


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"{}", "application/json"), (b"a=1&" * 20, "application/x-www-form-urlencoded"),
     (b"nom=%ff", "application/x-www-form-urlencoded"), (b"\xff", "application/x-www-form-urlencoded"),
     (b"--x", "multipart/form-data; boundary=x")],
)  # fmt: skip
def test_what_is_no_such_form_is_refused(world, content, kind):
    assert world.client().post(SIGN_IN, content=content, headers={"content-type": kind}).status_code == 400


def test_heads_that_are_too_long_are_refused(world):
    assert ask(world, "/", cookie="a" * 17_000).status == 431
    assert ask(world, "/?" + "a" * 17_000).status == 431
    assert ask(world, "/", cookie="a" * 1_000).status == 200


@pytest.mark.parametrize(
    "host", ["exemple.org", "portail.exemple.fr.exemple.org", "", "a@exemple.org", "127.0.0.1.x"]
)
def test_another_host_gets_nothing(world, host):
    answer = ask(world, "/", host=host)
    assert answer.status == 400
    assert b"Accueil" not in answer.body


# --- What is left behind ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target", ["/partenaires/", SIGN_IN, f"{EDITIONS}/ca-lens/", f"{EDITIONS}/ca-lens/LISEZMOI.txt",
     f"{EDITIONS}/ca-lens.zip", f"{EDITIONS}/inconnu/", "/partenaires/absent", "/partenaires"],
)  # fmt: skip
def test_no_cache_keeps_what_depends_on_who_asks(world, target):
    for client in (world.client("203.0.113.90"), world.signed_in("lens")):
        for method in ("GET", "HEAD", "DELETE"):
            answer = client.request(method, target, headers={"range": "bytes=0-9999999"})
            assert answer.headers["cache-control"] == "no-store"
            assert "Cookie" in answer.headers["vary"]
            assert answer.headers["x-robots-tag"] == "noindex, nofollow"


def test_two_partners_get_their_own_under_the_same_address(world):
    pages = [world.signed_in(name, address).get("/partenaires/").text
             for name, address in (("lens", "203.0.113.1"), ("sia", "203.0.113.2"))]  # fmt: skip
    assert "CA de Lens" in pages[0]
    assert "SIA" not in pages[0]
    assert "SIA Habitat" in pages[1]
    assert "Lens" not in pages[1]
    assert len(world.portal.bodies._kept) == 0


def test_every_download_is_written_down(world):
    client = world.signed_in("lens")
    page = client.get(f"{EDITIONS}/ca-lens/")
    archive = client.get(f"{EDITIONS}/ca-lens.zip")
    client.get(f"{EDITIONS}/sia-habitat/LISEZMOI.txt")
    client.get(f"{EDITIONS}/ca-lens/absent%0D.txt")
    client.get("/")
    signed, *downloads = lines(world)
    assert signed["what"] == "connexion"
    who = {"account": "lens", "organisation": "ca-lens", "address": "203.0.113.5", "what": "téléchargement"}
    for one in downloads:
        assert who.items() <= one.items()
        assert one["at"].endswith("+00:00")
    assert [(one["path"], one["status"], one["bytes"]) for one in downloads] == [
        (f"{EDITIONS}/ca-lens/", 200, int(page.headers["content-length"])),
        (f"{EDITIONS}/ca-lens.zip", 200, len(archive.content)),
        (f"{EDITIONS}/sia-habitat/LISEZMOI.txt", 404, 0),
        (f"{EDITIONS}/ca-lens/absent\r.txt", 404, 0),
    ]
    assert stat.S_IMODE(world.paths.downloads.stat().st_mode) == 0o600
    assert PASSWORD not in world.paths.downloads.read_text("utf-8")


def test_what_cannot_be_written_down_is_not_served(world):
    client = world.signed_in("lens")
    world.paths.downloads.unlink()
    world.paths.downloads.mkdir()
    for target in (f"{EDITIONS}/ca-lens/LISEZMOI.txt", f"{EDITIONS}/ca-lens.zip"):
        answer = client.get(target)
        assert answer.status_code == 500
        assert "de Lens" not in answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert "Erreur du portail" in answer.text


def test_pages_escape_what_they_are_told(world):
    answer = sign_in(world.client(), "<script>alert(1)</script>")
    assert "<script" not in answer.text
    name = "</td><script>.txt"
    write_edition(world.paths, "ca-lens", "de Lens")
    (world.paths.partners / "ca-lens" / name.replace("/", "")).write_text("x", encoding="utf-8")
    home = world.signed_in("lens", "203.0.113.7").get("/partenaires/").text
    assert "<script" not in home
    assert "%3Ctd%3E%3Cscript%3E.txt" in home
