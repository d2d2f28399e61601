import gzip
import io
import json
import os
import socket
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from faulty_server import (
    HeldClock,
    archive,
    code,
    content,
    drip,
    drip_headers,
    ranged,
    redirect,
    running,
    self_signed,
    stall,
)
from hypothesis import given
from hypothesis import strategies as st

from observatory import __version__
from observatory.errors import ObservatoryError
from observatory.files import sha256_bytes
from observatory.sources import fetching
from observatory.sources.fetching import Clock, FetchError, Limits, RateLimiter, fetch, file_name
from observatory.sources.kinds import mismatch
from observatory.sources.snapshots import keep

TABLE = b"CODGEO;P22_POP\n62498;32697\n59002;4257\n" * 200
ZIP = archive(donnees=TABLE, meta=b"COD_VAR;LIB_VAR\n")
GEOJSON = json.dumps({"type": "FeatureCollection", "features": []}).encode()
QUICK = Limits(connect_seconds=2, read_seconds=0.4, total_seconds=20)
HTML = b"<!DOCTYPE html>\n<html><body>Site en maintenance</body></html>"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def whole_server():
    with running() as server:
        yield server


@pytest.fixture
def server(whole_server):
    whole_server.asked.clear()
    return whole_server


@pytest.fixture
def held() -> HeldClock:
    return HeldClock()


@pytest.fixture
def get(tmp_path, held):
    """Fetch into a folder with time held; return what came."""

    def _get(url, kind="csv", **options):
        options = {"limits": QUICK, "clock": held.clock(), **options}
        return fetch(url, tmp_path / "staging", source="insee_test", kind=kind, **options)

    return _get


@pytest.fixture
def refused(get, tmp_path):
    """Fetch and return the error, after checking that it names everything and leaves no file."""

    def _refused(url, kind="csv", **options) -> FetchError:
        with pytest.raises(FetchError) as raised:
            get(url, kind, **options)
        error, message = raised.value, str(raised.value)
        assert isinstance(error, ObservatoryError)
        assert "«\u202finsee_test\u202f»" in message and f"«\u202f{url}\u202f»" in message
        assert error.cause.endswith(".") and error.remedy.endswith(".") and "Que faire\u202f: " in message
        folder = tmp_path / "staging"
        visible = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
        assert visible == [], "nothing stays under the name of the file"
        return error

    return _refused


def hidden(folder: Path) -> list[str]:
    return sorted(path.suffix for path in (folder / "staging").iterdir() if path.name.startswith("."))


def test_file_comes_whole_with_what_identifies_it(server, get, tmp_path):
    url = server.on(
        "/donnees/base.csv",
        content(TABLE, ETag='"v1"', Last_Modified="Tue, 03 Feb 2026 10:00:00 GMT"),
    )
    seen: list[tuple[int, int | None]] = []
    fetched = get(url, progress=lambda done, total: seen.append((done, total)))
    assert fetched.path == tmp_path / "staging" / "base.csv"
    assert fetched.path.read_bytes() == TABLE
    assert (fetched.sha256, fetched.bytes) == (sha256_bytes(TABLE), len(TABLE))
    assert (fetched.etag, fetched.last_modified) == ('"v1"', "Tue, 03 Feb 2026 10:00:00 GMT")
    assert not fetched.unchanged
    assert seen[-1] == (len(TABLE), len(TABLE)) and seen == sorted(seen)
    assert hidden(tmp_path) == [".lock"], "no partial file stays"


def test_agent_is_named_and_nothing_is_asked_compressed(server, get):
    get(server.on("/base.csv", content(TABLE)))
    assert server.header(0, "User-Agent") == f"observatoire-bassin-minier/{__version__} (+contact in README)"
    assert server.header(0, "Accept-Encoding") == "identity"


def test_total_is_unknown_without_a_length(server, get):
    seen: list[int | None] = []
    url = server.on("/base.csv", lambda handler: handler.give(TABLE, length=None))
    assert get(url, progress=lambda _, total: seen.append(total)).bytes == len(TABLE)
    assert set(seen) == {None}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "n’existe pas ou plus"),
        (410, "n’existe pas ou plus"),
        (403, "refuse l’accès"),
        (418, "inattendu"),
    ],
)
def test_final_refusals_are_not_asked_again(server, refused, held, status, words):
    error = refused(server.on("/base.csv", code(status)))
    assert words in error.cause and str(status) in error.cause
    assert "data/landing" in error.remedy
    assert len(server.asked) == 1 and held.slept == []


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_passing_failures_are_asked_again(server, get, held, status):
    url = server.on("/base.csv", code(status), code(status), content(TABLE))
    assert get(url).bytes == len(TABLE)
    assert held.slept == [0.5, 1.0], "doubling waits, with no chance added"


def test_chance_adds_up_to_the_whole_wait(server, get):
    held = HeldClock(chance=0.999)
    get(server.on("/base.csv", code(500), code(500), content(TABLE)), clock=held.clock())
    assert held.slept == pytest.approx([1.0, 2.0], rel=1e-3)


def test_attempts_are_bounded_and_counted_in_the_error(server, refused, held):
    error = refused(server.on("/base.csv", code(503)))
    assert len(server.asked) == 4 and len(held.slept) == 3
    assert error.transient and "(4 essais)" in str(error)


@pytest.mark.parametrize(
    ("header", "slept"),
    [
        ("7", 7.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("86400", 120.0),
        ("bientôt".encode().decode("latin-1"), 0.5),
        ("-3", 0.5),
    ],
)
def test_wait_asked_by_the_server_is_honoured_up_to_a_limit(server, get, held, header, slept):
    limits = replace(QUICK, total_seconds=1000)
    get(server.on("/base.csv", code(429, Retry_After=header), content(TABLE)), limits=limits)
    assert held.slept == [slept]


def test_wait_beyond_the_deadline_is_refused_at_once(server, refused, held):
    error = refused(server.on("/base.csv", code(429, Retry_After="30")))
    assert "délai total de 20 s" in error.cause and held.slept == []


def test_reset_connection_is_tried_again(server, get):
    url = server.on("/base.csv", lambda handler: handler.reset(), content(TABLE))
    assert get(url).bytes == len(TABLE)
    assert len(server.asked) == 2


def test_silent_server_is_left(server, refused):
    limits = replace(QUICK, read_seconds=0.15, attempts=2)
    error = refused(server.on("/base.csv", stall), limits=limits)
    assert "se tait depuis plus de 0,15 s" in error.cause and error.attempts == 2


@pytest.mark.parametrize("slow", [drip(TABLE, 0.02), drip_headers], ids=["body", "headers"])
def test_slow_drip_ends_at_the_deadline(server, refused, slow):
    limits = replace(QUICK, total_seconds=0.5)
    error = refused(server.on("/base.csv", slow), limits=limits, clock=Clock())
    assert "délai total de 0,5 s" in error.cause
    assert len(server.asked) == 1


def test_truncated_body_is_refused_when_it_cannot_be_resumed(server, refused):
    error = refused(server.on("/base.csv", lambda handler: handler.give(TABLE[:500], length=len(TABLE))))
    assert "incomplet" in error.cause and error.attempts == 4
    assert all("range" not in headers for _, headers in server.asked), "versions could mix"


def test_truncated_chunks_are_refused(server, refused):
    def cut(handler):
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"400\r\n" + TABLE[:1024] + b"\r\n400\r\n" + TABLE[1024:1100])

    assert "incomplet" in refused(server.on("/base.csv", cut)).cause


def test_length_shorter_than_the_file_shows_in_what_has_an_end(server, refused):
    error = refused(server.on("/base.zip", lambda handler: handler.give(ZIP, length=len(ZIP) - 9)), "zip")
    assert "coupé" in error.cause


@pytest.mark.parametrize("length", ["-5", "abc"])
def test_absurd_length_does_not_stop_a_whole_file(server, get, length):
    url = server.on("/base.csv", lambda handler: handler.give(TABLE, length=None, Content_Length=length))
    assert get(url).sha256 == sha256_bytes(TABLE)


def test_cut_download_is_resumed_where_it_stopped(server, get, tmp_path):
    fetched = get(server.on("/base.csv", ranged(TABLE, '"v1"', cut=1000)))
    assert fetched.sha256 == sha256_bytes(TABLE) and fetched.path.read_bytes() == TABLE
    assert (server.header(1, "Range"), server.header(1, "If-Range")) == ("bytes=1000-", '"v1"')
    assert hidden(tmp_path) == [".lock"]


def test_next_run_resumes_what_the_former_left(server, get, refused):
    once = replace(QUICK, attempts=1)
    answer = ranged(TABLE, '"v1"', cut=1234)
    refused(server.on("/base.csv", answer), limits=once)
    assert get(server.on("/base.csv", answer), limits=once).sha256 == sha256_bytes(TABLE)
    assert server.header(1, "Range") == "bytes=1234-"


def test_new_version_is_not_glued_to_the_former_one(server, get, refused):
    once = replace(QUICK, attempts=1)
    refused(server.on("/base.csv", ranged(TABLE, '"v1"', cut=1000)), limits=once)
    other = TABLE.replace(b"32697", b"32700")
    fetched = get(server.on("/base.csv", ranged(other, '"v2"')), limits=once)
    assert fetched.path.read_bytes() == other


def test_server_that_ignores_ranges_starts_again(server, get):
    answers = [ranged(TABLE, '"v1"', cut=1000), content(TABLE, ETag='"v1"')]
    assert get(server.on("/base.csv", *answers)).sha256 == sha256_bytes(TABLE)


@pytest.mark.parametrize(
    "second",
    [
        lambda handler: handler.give(
            TABLE[5:-995], 206, ETag='"v1"', Content_Range=f"bytes 5-{len(TABLE) - 996}/{len(TABLE)}"
        ),
        lambda handler: handler.give(TABLE[1000:], 206, ETag='"v1"', Content_Range="bytes 1000-1499/1500"),
        lambda handler: handler.give(TABLE[1000:], 206, ETag='"v2"', Content_Range="bytes 1000-8999/9000"),
        lambda handler: handler.give(TABLE[1000:], 206, ETag='"v1"'),
        code(416),
    ],
    ids=["other place", "beyond the end", "other version", "no place", "unsatisfiable"],
)
def test_wrong_part_is_dropped_and_the_file_taken_from_the_start(server, get, second):
    url = server.on("/base.csv", ranged(TABLE, '"v1"', cut=1000), second, content(TABLE))
    assert get(url).path.read_bytes() == TABLE
    assert server.header(2, "Range") is None


def test_part_that_ends_before_the_announced_total_is_refused(server, refused):
    place = f"bytes 1000-{len(TABLE) - 1}/{len(TABLE) + 500}"
    url = server.on(
        "/base.csv",
        ranged(TABLE, '"v1"', cut=1000),
        lambda handler: handler.give(TABLE[1000:], 206, ETag='"v1"', Content_Range=place),
    )
    error = refused(url, limits=replace(QUICK, attempts=2))
    assert error.cause == (
        "le fichier reçu fait 7\u202f600 octets, alors que le serveur en annonçait 8\u202f100 octets."
    )


def test_weak_tag_does_not_resume(server, get):
    url = server.on("/base.csv", ranged(TABLE, 'W/"v1"', cut=1000), content(TABLE))
    assert get(url).sha256 == sha256_bytes(TABLE)
    assert server.header(1, "Range") is None


def test_file_downloaded_elsewhere_at_the_same_time_is_refused(server, get, refused, tmp_path):
    arrived, release = threading.Event(), threading.Event()

    def slow(handler):
        arrived.set()
        release.wait(5)
        handler.give(TABLE)

    url = server.on("/base.csv", slow)
    patient = replace(QUICK, read_seconds=5)
    first = threading.Thread(target=get, args=(url,), kwargs={"limits": patient})
    first.start()
    assert arrived.wait(5)
    try:
        assert "en cours" in refused(url).cause
    finally:
        release.set()
        first.join()
    assert (tmp_path / "staging" / "base.csv").read_bytes() == TABLE


def _previous(tmp_path, url, **marks):
    file = tmp_path / "base.csv"
    file.write_bytes(TABLE)
    return keep(
        file, tmp_path / "kept", source="insee_test", vintage="2022", kind="network", origin=url, **marks
    )


def test_unchanged_file_is_not_taken_again(server, get, tmp_path):
    url = server.on("/base.csv", ranged(TABLE, '"v1"'))
    previous = _previous(tmp_path, url, etag='"v1"', last_modified="Tue, 03 Feb 2026 10:00:00 GMT")
    fetched = get(url, previous=previous)
    assert fetched.unchanged and fetched.path == previous.path and fetched.sha256 == sha256_bytes(TABLE)
    assert server.header(0, "If-None-Match") == '"v1"'
    assert server.header(0, "If-Modified-Since") == "Tue, 03 Feb 2026 10:00:00 GMT"


def test_other_address_is_not_compared_with_the_snapshot(server, get, tmp_path):
    previous = _previous(tmp_path, "http://ailleurs.test/base.csv", etag='"v1"')
    assert not get(server.on("/base.csv", ranged(TABLE, '"v1"')), previous=previous).unchanged
    assert server.header(0, "If-None-Match") is None


def test_unchanged_without_a_question_is_an_error(server, refused):
    error = refused(server.on("/base.csv", lambda handler: handler.give(b"", 304, length=None)))
    assert "304" in error.cause


@pytest.mark.parametrize(
    ("kind", "body", "seen"),
    [
        ("zip", HTML, "une page HTML"),
        ("csv", b"\xef\xbb\xbf \n" + HTML, "une page HTML"),
        ("csv", ZIP, "une archive zip"),
        ("csv", b'{"error": "quota"}', "un document JSON"),
        ("geojson", b'<?xml version="1.0"?><ows:ExceptionReport/>', "un document XML"),
        ("geojson", b'{"error": "layer"}', "un document JSON"),
        ("json", b'{"observations": [1, 2', "coupé"),
        ("parquet", b"PAR1" + b"\x00" * 50, "coupé"),
        ("parquet", TABLE, "du texte"),
        ("xlsx", ZIP, "une archive zip"),
        ("zip", ZIP[:-30], "coupé"),
        ("zip", b"", "vide"),
        ("csv", b"a;b\n\x00\x01", "des données binaires"),
        ("csv", b"%PDF-1.7", "un fichier PDF"),
    ],
)
def test_content_of_another_kind_is_refused(server, refused, kind, body, seen, tmp_path):
    error = refused(server.on(f"/base.{kind}", content(body)), kind)
    assert seen in error.cause
    assert len(server.asked) == 1 and hidden(tmp_path) == [".lock"]


def _workbook() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as book:
        book.writestr("[Content_Types].xml", "<Types/>")
        book.writestr("xl/workbook.xml", "<workbook/>")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("zip", ZIP),
        ("xlsx", _workbook()),
        ("json", b"\xef\xbb\xbf[1, 2]\n"),
        ("geojson", GEOJSON),
        ("csv", "Libellé;é\n".encode("latin-1")),
        ("csv", b"# comment\n#\nCOM\tNB\n"),
        ("parquet", b"PAR1" + b"\x01" * 20 + b"PAR1"),
    ],
)
def test_each_kind_is_recognised(tmp_path, kind, body):
    (tmp_path / "file").write_bytes(body)
    assert mismatch(tmp_path / "file", kind) is None


@pytest.mark.parametrize("length", [-1, None], ids=["announced", "unannounced"])
def test_oversized_file_is_refused(server, refused, length, tmp_path):
    url = server.on("/base.csv", lambda handler: handler.give(TABLE, length=length))
    error = refused(url, limits=replace(QUICK, size=1000))
    assert "au-delà de la limite de 1\u202f000 octets" in error.cause
    assert ".partial" not in hidden(tmp_path)


def test_body_compressed_against_the_request_is_measured_once_read(server, get, refused):
    packed = gzip.compress(TABLE)
    url = server.on("/base.csv", content(packed, Content_Encoding="gzip"))
    assert get(url).sha256 == sha256_bytes(TABLE)
    bomb = server.on("/bombe.csv", content(gzip.compress(b"a" * 20_000_000), Content_Encoding="gzip"))
    (get(url).path).unlink()
    assert "limite" in refused(bomb, limits=replace(QUICK, size=1_000_000)).cause


def test_redirects_are_followed_to_the_file(server, get):
    server.on("/ici.csv", content(TABLE))
    server.on("/la", redirect("ici.csv"))
    fetched = get(server.on("/base.csv", redirect("/la", 301)))
    assert fetched.final_url.endswith("/ici.csv") and fetched.path.name == "base.csv"


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("/base.csv", "tournent en rond"),
        ("ftp://ailleurs.test/base.csv", "http ou https"),
        ("file:///etc/passwd", "http ou https"),
        ("http://[mauvais", "illisible"),
        ("/\xe9t\xe9.csv", "illisible"),
        ("http://moi:secret@ailleurs.test/", "mot de passe"),
    ],
)
def test_bad_redirects_are_refused(server, tmp_path, location, words, get):
    with pytest.raises(FetchError) as raised:
        get(server.on("/base.csv", redirect(location)))
    assert words in raised.value.cause and "secret" not in str(raised.value)


def test_body_of_a_redirect_is_not_read(server, get):
    def endless(handler):
        handler.give(b"", 302, length=None, Location="/ici.csv")
        while not handler.server.stopped.is_set():
            handler.wfile.write(b"a" * 65_536)

    server.on("/ici.csv", content(TABLE))
    assert get(server.on("/base.csv", endless)).bytes == len(TABLE)


def test_two_step_loop_and_endless_redirects_are_refused(server, refused):
    server.on("/b", redirect("/a.csv"))
    assert "tournent en rond" in refused(server.on("/a.csv", redirect("/b"))).cause
    server.asked.clear()
    endless = server.on("/c.csv", lambda handler: redirect(f"/c.csv?{len(handler.server.asked)}")(handler))
    assert "plus de 5 redirections" in refused(endless).cause
    assert len(server.asked) == 6


@pytest.mark.parametrize("url", ["ftp://insee.test/a.csv", "insee.test/a.csv", "https://", "http://[::1", ""])
def test_addresses_other_than_http_are_refused(get, url):
    with pytest.raises(FetchError, match="http ou https"):
        get(url)


def test_password_in_an_address_is_refused_and_not_repeated(get):
    with pytest.raises(FetchError) as raised:
        get("https://moi:secret@insee.test/base.csv")
    assert "secret" not in str(raised.value) and "mot de passe" in raised.value.cause


def test_unreachable_server_is_not_asked_again(refused, held):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    error = refused(f"http://127.0.0.1:{port}/base.csv")
    assert "injoignable" in error.cause and "--sources mirror" in error.remedy and held.slept == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    made = self_signed(tmp_path_factory.mktemp("tls"))
    if made is None:
        pytest.skip("openssl is not on this machine: no certificate can be made")
    return made


def test_unknown_certificate_is_explained(certificate, refused, held):
    with running(certificate) as secure:
        error = refused(secure.on("/base.csv", content(TABLE)))
        assert secure.asked == []
    assert "certificat du serveur n’est pas reconnu (self" in error.cause
    assert "REQUESTS_CA_BUNDLE" in error.remedy and held.slept == []


def test_certificate_of_the_environment_is_trusted_and_downgrade_refused(
    certificate, server, get, refused, monkeypatch
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    plain = server.on("/base.csv", content(TABLE))
    with running(certificate) as secure:
        error = refused(secure.on("/vers.csv", redirect(plain)))
        assert get(secure.on("/base.csv", content(TABLE))).bytes == len(TABLE)
    assert "non chiffrée" in error.cause
    assert server.asked == []


def test_https_to_a_server_that_speaks_http_is_explained(server, get):
    url = server.on("/base.csv", content(TABLE)).replace("http://", "https://")
    with pytest.raises(FetchError, match="connexion sécurisée est refusée"):
        get(url)


def test_proxy_of_the_environment_is_used(server, get, monkeypatch):
    server.on("http://donnees.example/base.csv", content(TABLE))
    monkeypatch.setenv("HTTP_PROXY", server.on("/", code(404)))
    monkeypatch.setenv("http_proxy", server.on("/", code(404)))
    assert get("http://donnees.example/base.csv").bytes == len(TABLE)
    assert server.asked[0][0] == "http://donnees.example/base.csv"


def test_absent_proxy_is_named(refused, monkeypatch, held):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("http_proxy", f"http://moi:secret@127.0.0.1:{port}")
    error = refused("http://donnees.example/base.csv")
    assert "proxy" in error.cause and "NO_PROXY" in error.remedy and "secret" not in str(error)
    assert held.slept == []


def test_folder_that_cannot_be_written_is_an_error_of_the_fetch(server, tmp_path):
    (tmp_path / "staging").write_text("a file in the way", encoding="utf-8")
    with pytest.raises(FetchError, match="n’a pu être écrit"):
        fetch(server.on("/base.csv", content(TABLE)), tmp_path / "staging", source="insee_test", kind="csv")


def test_full_disk_is_an_error_of_the_fetch(server, refused, monkeypatch):
    def full(descriptor):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(fetching.os, "fsync", full)
    assert "place libre" in refused(server.on("/base.csv", content(TABLE))).remedy


def test_limiter_lets_thirty_a_minute_to_each_host(held):
    limiter = RateLimiter(30, 60, held.clock())
    assert [limiter.wait("api.insee.fr") for _ in range(30)] == [0.0] * 30
    assert limiter.wait("ailleurs.test") == 0.0
    held.seconds += 10
    assert limiter.wait("api.insee.fr") == 50.0
    assert limiter.wait("api.insee.fr") == 0.0, "the whole first burst is a minute old"


@given(st.lists(st.floats(0, 40), min_size=1, max_size=60), st.integers(1, 5))
def test_no_window_ever_holds_more_than_the_limit(pauses, allowed):
    held = HeldClock()
    limiter, times = RateLimiter(allowed, 60, held.clock()), []
    for pause in pauses:
        held.seconds += pause
        limiter.wait("host")
        times.append(held.seconds)
    assert all(late - early >= 60 - 1e-6 for early, late in zip(times, times[allowed:], strict=False)), (
        "a request and the one after the next full burst"
    )


def test_limiter_counts_retries_and_redirects(server, get, held):
    limiter = RateLimiter(2, 60, held.clock())
    server.on("/fin.csv", content(TABLE))
    limits = replace(QUICK, total_seconds=1000)
    get(server.on("/base.csv", code(500), redirect("/fin.csv")), limiter=limiter, limits=limits)
    assert held.slept == [0.5, 59.5]


@given(st.text(max_size=60), st.sampled_from(["zip", "csv"]))
def test_names_are_plain(text, kind):
    name = file_name("https://insee.test/x", kind, text)
    assert name and not name.startswith(".") and "/" not in name and "." in name
    assert Path("folder", name).parent == Path("folder")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://insee.test/fr/statistiques/fichier/5359146/dossier_complet.zip", "dossier_complet.zip"),
        ("https://wfs.test/ows?service=WFS&request=GetFeature", "ows.csv"),
        ("https://insee.test/", "fichier.csv"),
        ("https://insee.test/..%2F..%2Fbase%20de%20donn%C3%A9es.csv", "base_de_donn_es.csv"),
    ],
)
def test_name_comes_from_the_address(url, name):
    assert file_name(url, "csv") == name
