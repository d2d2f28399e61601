"""Accounts: what is kept, how long they and their sessions last, what locks them."""

import sqlite3
import stat
import threading
from contextlib import closing
from datetime import date, timedelta

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from argon2.profiles import RFC_9106_LOW_MEMORY
from hypothesis import given
from hypothesis import strategies as st
from portal_site import PASSWORD, Clock, CountingHasher

from observatory.portal.accounts import FAILURES, IDLE, LOCKED, WHOLE, AccountError, Accounts
from observatory.portal.limits import Buckets, network_of

WRONG = "autre chose de long"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def accounts(tmp_path, clock):
    made = Accounts(tmp_path / "confidential/portail.sqlite", CountingHasher(), clock)
    made.create("lens", "ca-lens", PASSWORD)
    return made


def opened(accounts, password=PASSWORD, name="lens") -> str:
    account, token = accounts.sign_in(name, password)
    assert account.organisation == "ca-lens"
    return token


def test_passwords_are_kept_by_the_setting_that_the_standard_recommends(tmp_path):
    accounts = Accounts(tmp_path / "a.sqlite")
    parameters = extract_parameters(accounts.hasher.hash(PASSWORD))
    assert (parameters.type, parameters.memory_cost, parameters.time_cost) == (Type.ID, 64 * 1024, 3)
    assert accounts.hasher.memory_cost == RFC_9106_LOW_MEMORY.memory_cost


def test_the_file_is_its_owners_and_holds_neither_password_nor_token(accounts):
    token = opened(accounts)
    assert stat.S_IMODE(accounts.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(accounts.path.parent.stat().st_mode) == 0o700
    content = accounts.path.read_bytes()
    assert PASSWORD.encode() not in content
    assert token.encode() not in content


def test_a_password_typed_on_another_keyboard_is_the_same(accounts):
    """The accent of « bruyère » as a letter of its own (NFD), as some keyboards write it."""
    assert accounts.sign_in("LENS ", "bruye\u0300re soleil wagon")


@pytest.mark.parametrize("password", ["court", "a" * 40, "lens lens lens lens", "é" * 201])
def test_weak_passwords_are_refused(accounts, password):
    with pytest.raises(AccountError, match="Que faire"):
        accounts.create("autre" if "lens" not in password else "lens@x.fr", "ca-lens", password)
    assert len(accounts.all()) == 1


@pytest.mark.parametrize(
    ("name", "organisation"),
    [("ab", "ca-lens"), ("a b c", "ca-lens"), ("../lens", "ca-lens"), ("autre", "../sia"), ("autre", "CA")],
)
def test_malformed_names_are_refused(accounts, name, organisation):
    with pytest.raises(AccountError, match="Que faire"):
        accounts.create(name, organisation, PASSWORD)


def test_a_name_is_never_given_twice(accounts):
    with pytest.raises(AccountError, match="existe déjà"):
        accounts.create("Lens", "sia-habitat", PASSWORD)
    accounts.revoke("lens")
    with pytest.raises(AccountError, match="existe déjà"):
        accounts.create("lens", "sia-habitat", PASSWORD)
    with pytest.raises(AccountError, match="révoqué"):
        accounts.expire("lens", None)
    with pytest.raises(AccountError, match="Aucun compte"):
        accounts.revoke("personne")


def test_a_session_ends_when_it_is_not_used(accounts, clock):
    token = opened(accounts)
    clock.now += IDLE - 1
    assert accounts.session(token)
    clock.now += IDLE - 1
    assert accounts.session(token)
    clock.now += IDLE
    assert accounts.session(token) is None


def test_a_session_ends_however_much_it_is_used(accounts, clock):
    token = opened(accounts)
    for _ in range(WHOLE // 600 - 1):
        clock.now += 600
        assert accounts.session(token)
    clock.now += 600
    assert accounts.session(token) is None


def test_a_session_is_that_of_its_token_alone(accounts):
    token = opened(accounts)
    assert accounts.session(token).name == "lens"
    for forged in ("", "lens", token[:-1], token + "a", token.swapcase(), "A" * len(token), "' OR 1=1 --"):
        assert accounts.session(forged) is None
    accounts.sign_out(token)
    assert accounts.session(token) is None


@pytest.mark.parametrize("end", ["revoke", "expire", "password"])
def test_what_closes_an_account_closes_its_sessions(accounts, clock, end):
    token = opened(accounts)
    if end == "revoke":
        accounts.revoke("lens")
    elif end == "expire":
        accounts.expire("lens", clock.day - timedelta(days=1))
    else:
        accounts.change_password("lens", WRONG)
    assert accounts.session(token) is None
    assert accounts.sign_in("lens", PASSWORD) is None


def test_an_account_lasts_through_its_last_day(accounts, clock):
    accounts.expire("lens", clock.day)
    token = opened(accounts)
    clock.now += 12 * 3600 - 1
    assert accounts.all()[0].open_on(clock.day)
    clock.now += 1
    assert accounts.session(token) is None
    assert accounts.sign_in("lens", PASSWORD) is None
    accounts.expire("lens", None)
    assert opened(accounts)


def test_failures_lock_a_name_for_a_while(accounts, clock):
    for _ in range(FAILURES):
        assert accounts.sign_in("lens", WRONG) is None
    assert accounts.locked() == {"lens"}
    clock.now += LOCKED - 1
    # Trying does not make it last longer.
    assert accounts.sign_in("lens", PASSWORD) is None
    clock.now += 1
    assert opened(accounts)
    assert accounts.locked() == set()


def test_a_success_forgets_failures(accounts):
    for _ in range(3):
        for _ in range(FAILURES - 1):
            accounts.sign_in("lens", WRONG)
        assert opened(accounts)


def test_another_password_unlocks(accounts):
    for _ in range(FAILURES):
        accounts.sign_in("lens", WRONG)
    accounts.change_password("lens", WRONG)
    assert opened(accounts, WRONG)


def test_attempts_made_together_count_as_many(accounts):
    """The right password comes after twelve wrong ones, made at once: too late."""
    barrier, found = threading.Barrier(12), []

    def attempt() -> None:
        barrier.wait()
        found.append(accounts.sign_in("lens", WRONG))

    threads = [threading.Thread(target=attempt) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [None] * 12
    assert accounts.sign_in("lens", PASSWORD) is None


def test_unknown_names_take_the_same_work_and_the_same_lock(accounts, clock):
    accounts.create("sia", "sia-habitat", PASSWORD)
    accounts.revoke("sia")
    work = {}
    for name in ("lens", "personne", "sia", "' OR 1=1 --"):
        accounts.hasher.checked.clear()
        for _ in range(FAILURES + 2):
            assert accounts.sign_in(name, WRONG) is None
        work[name] = list(accounts.hasher.checked)
    assert len(work["lens"]) == FAILURES + 2
    assert all(one == work["lens"] for one in work.values())
    with closing(sqlite3.connect(accounts.path)) as base:
        counts = {count for (count,) in base.execute("SELECT count FROM failures")}
    assert counts == {FAILURES + 2}


def test_a_password_kept_by_a_former_setting_is_kept_anew(tmp_path, clock):
    path = tmp_path / "a.sqlite"
    Accounts(path, PasswordHasher(1, 64, 1), clock).create("lens", "ca-lens", PASSWORD)
    accounts = Accounts(path, PasswordHasher(2, 128, 1), clock)
    assert opened(accounts)
    with closing(sqlite3.connect(path)) as base:
        ((kept,),) = base.execute("SELECT password FROM accounts")
    assert (extract_parameters(kept).time_cost, extract_parameters(kept).memory_cost) == (2, 128)
    assert opened(accounts)


@given(st.lists(st.integers(0, 400), min_size=30, max_size=60, unique=True))
def test_the_memory_of_addresses_is_bounded(addresses):
    buckets = Buckets(2, 0.1, most=20, clock=lambda: 0)
    for number in addresses:
        buckets.wait(f"198.51.{number // 256}.{number % 256}")
        assert len(buckets) <= 20


def test_a_bucket_fills_again_at_its_rate():
    now = [0.0]
    buckets = Buckets(3, 0.5, clock=lambda: now[0])
    assert [buckets.wait("198.51.100.1") for _ in range(4)] == [0, 0, 0, 3]
    assert buckets.wait("198.51.100.2") == 0
    now[0] += 2
    assert [buckets.wait("198.51.100.1") for _ in range(2)] == [0, 3]
    now[0] += 1000
    assert [buckets.wait("198.51.100.1") for _ in range(4)] == [0, 0, 0, 3]


def test_a_subscriber_has_one_bucket_for_all_its_addresses():
    assert (
        network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9") != network_of("2001:db8:1:3::1")
    )
    assert network_of("::ffff:198.51.100.1") == "198.51.100.1"
    assert network_of("inconnue") == "inconnue"


def test_days_are_kept_as_given(accounts):
    accounts.expire("lens", date(2027, 1, 31))
    (account,) = accounts.all()
    assert (account.created_on, account.last_day, account.revoked_on) == (
        date(2026, 6, 15),
        date(2027, 1, 31),
        None,
    )
