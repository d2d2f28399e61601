"""Alerts: what leaves, by which transport, and what happens when it cannot. Servers of this machine only."""

import json
import socket
import ssl
import threading
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from faulty_server import self_signed

from observatory.alerts import (
    PASSWORD_VARIABLE,
    TOKEN_VARIABLE,
    Alert,
    AlertError,
    AlertSettings,
    deliver,
    read_settings,
)
from observatory.errors import InputError
from observatory.paths import DataPaths

ALERT = Alert("échec", "Le rafraîchissement a échoué.\nRien n’est publié.", "étape « raw_caf »", "Relancez.")
FROM, TO = "observatoire@exemple.test", "analyste@exemple.test"


class Inbox:
    def __init__(self, refusals=0):
        self.messages, self.logins, self.refusals = [], [], refusals

    async def handle_DATA(self, server, session, envelope):
        if self.refusals:
            self.refusals -= 1
            return "451 4.3.0 plus tard"
        self.messages.append((envelope, session.ssl is not None))
        return "250 OK"

    def authenticate(self, server, session, envelope, mechanism, data):
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"mot de passe", handled=False)


@contextmanager
def mail_server(inbox, **options):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(
        inbox, hostname="127.0.0.1", port=port, server_hostname="essai", ready_timeout=60, **options
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@contextmanager
def web_server(*codes):
    asked, codes = [], list(codes)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((dict(self.headers), json.loads(body)))
            self.send_response(codes.pop(0) if len(codes) > 1 else codes[0])
            self.send_header("Content-Length", "0")
            self.send_header("Location", "http://127.0.0.1:1/ailleurs")
            self.end_headers()

        def log_message(self, *_):
            """Keep the output of the tests clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/jeton-secret", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def settings_of(**transports):
    return AlertSettings.model_validate(transports)


def no_pause(seconds):
    raise AssertionError("asked again in vain")


def mail(port, **more):
    return {"host": "127.0.0.1", "port": port, "sender": FROM, "recipients": [TO]} | more


def test_mail_says_what_where_and_what_to_do():
    inbox = Inbox()
    with mail_server(inbox) as port:
        sent = deliver(ALERT, settings_of(smtp=mail(port, starttls=False)), {})
    assert sent == ["SMTP"]
    ((envelope, _),) = inbox.messages
    message = message_from_bytes(envelope.content, policy=default)
    assert (envelope.mail_from, envelope.rcpt_tos) == (FROM, [TO])
    assert message["Subject"].startswith("Observatoire du Bassin minier – échec")
    assert "\n" not in message["Subject"]
    text = message.get_content()
    for part in (ALERT.where, ALERT.remedy, *ALERT.what.splitlines()):
        assert part in text


def test_mail_is_encrypted_before_the_password_is_said(tmp_path):
    made = self_signed(tmp_path)
    if made is None:
        pytest.skip("openssl is not on this machine")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*made)
    inbox = Inbox()
    options = {"authenticator": inbox.authenticate, "auth_require_tls": True, "require_starttls": True}
    with mail_server(inbox, tls_context=context, **options) as port:
        known = settings_of(smtp=mail(port, user="analyste", authority=made[0]))
        deliver(ALERT, known, {PASSWORD_VARIABLE: "mot de passe"})
        ((_, encrypted),) = inbox.messages
        assert encrypted
        assert inbox.logins == [(b"analyste", b"mot de passe")]
        # A wrong password is final, and is not said again.
        with pytest.raises(AlertError) as refused:
            deliver(ALERT, known, {PASSWORD_VARIABLE: "un autre"}, no_pause)
        assert "un autre" not in str(refused.value)
        with pytest.raises(AlertError, match=PASSWORD_VARIABLE):
            deliver(ALERT, known, {})
        # A certificate of no known authority is refused, before the password.
        said = len(inbox.logins)
        stranger = settings_of(smtp=mail(port, user="analyste"))
        with pytest.raises(AlertError, match="SSLCertVerificationError"):
            deliver(ALERT, stranger, {PASSWORD_VARIABLE: "mot de passe"}, no_pause)
        assert (len(inbox.logins), len(inbox.messages)) == (said, 1)


def test_a_busy_mail_server_is_asked_again():
    inbox, pauses = Inbox(refusals=2), []
    with mail_server(inbox) as port:
        deliver(ALERT, settings_of(smtp=mail(port, starttls=False)), {}, pauses.append)
    assert len(inbox.messages) == 1
    assert pauses == [2.0, 4.0]


def test_a_webhook_gets_json_and_its_token():
    with web_server(204) as (url, asked):
        assert deliver(ALERT, settings_of(webhook={"url": url}), {TOKEN_VARIABLE: "t"}) == ["webhook"]
    ((headers, body),) = asked
    assert headers["Authorization"] == "Bearer t"
    assert headers["Content-Type"] == "application/json"
    assert {name: body[name] for name in ("niveau", "quoi", "ou", "que_faire")} == {
        "niveau": "échec",
        "quoi": ALERT.what,
        "ou": ALERT.where,
        "que_faire": ALERT.remedy,
    }
    assert ALERT.remedy in body["text"]


@pytest.mark.parametrize(("codes", "asked_times"), [((503, 200), 2), ((500,), 3), ((403,), 1), ((302,), 1)])
def test_a_webhook_is_asked_again_only_where_it_may_help(codes, asked_times):
    with web_server(*codes) as (url, asked):
        if codes[-1] == 200:
            deliver(ALERT, settings_of(webhook={"url": url}), {}, lambda _: None)
        else:
            with pytest.raises(AlertError, match=str(codes[-1])) as error:
                deliver(ALERT, settings_of(webhook={"url": url}), {}, lambda _: None)
            # The address may hold a secret.
            assert "jeton-secret" not in str(error.value)
    assert len(asked) == asked_times


def test_a_dead_transport_does_not_stop_the_other():
    """Nothing listens on port 1: the mail leaves nowhere, the webhook does."""
    with web_server(200) as (url, asked):
        both = settings_of(smtp=mail(1, starttls=False), webhook={"url": url})
        with pytest.raises(AlertError, match="SMTP") as error:
            deliver(ALERT, both, {}, lambda _: None)
    assert "webhook" not in str(error.value)
    assert len(asked) == 1


def test_off_by_default(tmp_path):
    assert read_settings(DataPaths(tmp_path)) is None


@pytest.mark.parametrize(
    "text",
    [
        "webhook: {url: 'http://exemple.test/a'}",
        "webhook: {url: 'file:///etc/passwd'}",
        "smtp: {host: exemple.test, starttls: false, sender: a@b.test, recipients: [c@d.test]}",
        "smtp: {host: 127.0.0.1, starttls: false, user: a, sender: a@b.test, recipients: [c@d.test]}",
        "smtp: {host: exemple.test, sender: a@b.test, recipients: []}",
        'smtp: {host: exemple.test, sender: "a@b.test\\nBcc: x@y.test", recipients: [c@d.test]}',
        "smtp: {host: exemple.test, sender: a@b.test, recipients: [c@d.test], password: secret}",
        "sms: {}",
        "a: [",
    ],
)
def test_settings_that_would_leak_or_send_nowhere_are_refused(tmp_path, text):
    paths = DataPaths(tmp_path)
    paths.confidential.mkdir()
    (paths.confidential / "alertes.yaml").write_text(text)
    with pytest.raises(InputError, match=r"alertes\.yaml") as error:
        read_settings(paths)
    assert "secret" not in str(error.value)
