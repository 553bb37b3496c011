"""What Django asks of a session engine, written once and inherited by the tests of each of ours.

The cases are those of Django's own ``tests/sessions_tests/tests.py``.
"""

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.utils import timezone

NO_KEY = "8bytes-but-nowhere"


class SessionBehaviour:
    """Inherit, and set ``store`` to the engine's ``SessionStore``."""

    store: type[Any]

    @pytest.fixture(autouse=True)
    def _project(self, sockgate: Any, transactional_db: None) -> None:
        sockgate.SESSION_ENGINE = self.store.__module__

    @pytest.fixture
    def session(self) -> Any:
        return self.store()

    def test_new_session_is_neither_accessed_nor_modified(self, session: Any) -> None:
        assert not session.accessed
        assert not session.modified

    def test_get_of_a_missing_key_is_none(self, session: Any) -> None:
        assert session.get("cat") is None

    def test_set_marks_modified(self, session: Any) -> None:
        session["cat"] = "dog"
        assert session.modified
        assert session.pop("cat") == "dog"

    def test_pop_marks_accessed_and_modified(self, session: Any) -> None:
        session["some key"] = "exists"
        session.accessed = session.modified = False
        assert session.pop("some key") == "exists"
        assert session.accessed
        assert session.modified
        assert session.get("some key") is None

    def test_pop_default_leaves_unmodified(self, session: Any) -> None:
        assert session.pop("some key", "does not exist") == "does not exist"
        assert session.accessed
        assert not session.modified

    def test_pop_of_a_missing_key_raises(self, session: Any) -> None:
        with pytest.raises(KeyError):
            session.pop("some key")

    def test_setdefault_keeps_what_is_there(self, session: Any) -> None:
        assert session.setdefault("foo", "bar") == "bar"
        assert session.setdefault("foo", "baz") == "bar"
        assert session.modified

    def test_update_marks_modified(self, session: Any) -> None:
        session.update({"update key": 1})
        assert session.modified
        assert session.get("update key") == 1

    def test_reading_marks_accessed_only(self, session: Any) -> None:
        session["x"] = 1
        for read in (session.keys, session.values, session.items, lambda: "x" in session):
            session.accessed = session.modified = False
            assert read()
            assert session.accessed
            assert not session.modified

    def test_clear_empties_and_marks_modified(self, session: Any) -> None:
        session["x"] = 1
        session.accessed = session.modified = False
        session.clear()
        assert list(session.items()) == []
        assert session.accessed
        assert session.modified

    def test_save_creates(self, session: Any) -> None:
        session.save()
        assert session.exists(session.session_key)

    def test_save_keeps_data_for_the_next_request(self, session: Any) -> None:
        session["cat"] = {"name": "Tom", "lives": [9, 8.5, None, "ü"]}
        session.save()
        found = self.store(session.session_key)
        assert found["cat"] == {"name": "Tom", "lives": [9, 8.5, None, "ü"]}
        assert found.session_key == session.session_key

    def test_save_updates(self, session: Any) -> None:
        session["cat"] = 1
        session.save()
        session["cat"] = 2
        session.save()
        assert self.store(session.session_key)["cat"] == 2

    def test_save_must_create_refuses_a_taken_key(self, session: Any) -> None:
        session["cat"] = "Tom"
        session.save()
        with pytest.raises(CreateError):
            self.store(session.session_key).save(must_create=True)
        assert self.store(session.session_key)["cat"] == "Tom"

    def test_create_does_not_load_the_old_data(self, session: Any) -> None:
        session.create()
        assert session.modified
        assert session.exists(session.session_key)
        assert dict(session.items()) == {}

    def test_save_after_delete_raises_and_does_not_resurrect(self, session: Any) -> None:
        session.save()
        concurrent = self.store(session.session_key)
        concurrent["cat"] = "dog"
        session.delete()
        with pytest.raises(UpdateError):
            concurrent.save()
        assert not session.exists(concurrent.session_key)

    def test_save_after_concurrent_flush_raises(self, session: Any) -> None:
        session["cat"] = "dog"
        session.save()
        key = session.session_key
        concurrent = self.store(key)
        concurrent["foo"] = "bar"
        session.flush()
        with pytest.raises(UpdateError):
            concurrent.save()
        assert not session.exists(key)

    def test_delete_of_current_key(self, session: Any) -> None:
        session.save()
        session.delete()
        assert not session.exists(session.session_key)

    def test_delete_of_named_key(self, session: Any) -> None:
        session.save()
        self.store().delete(session.session_key)
        assert not session.exists(session.session_key)

    def test_delete_of_an_unsaved_session_is_silent(self, session: Any) -> None:
        session.delete()
        session.delete(NO_KEY)
        assert not session.exists(NO_KEY)

    def test_flush_ends_the_session_and_clears_the_key(self, session: Any) -> None:
        session["foo"] = "bar"
        session.save()
        old_key = session.session_key
        session.flush()
        assert not session.exists(old_key)
        assert session.session_key is None
        assert session.modified
        assert session.accessed
        assert session.is_empty()

    def test_cycle_key_keeps_data_under_a_new_key(self, session: Any) -> None:
        session["a"], session["b"] = "c", "d"
        session.save()
        old_key, old_data = session.session_key, list(session.items())
        session.cycle_key()
        assert session.session_key != old_key
        assert list(session.items()) == old_data
        assert not session.exists(old_key)
        assert list(self.store(session.session_key).items()) == old_data

    def test_cycle_key_without_a_session_creates_one(self, session: Any) -> None:
        session.create()
        session.cycle_key()
        assert list(session.items()) == []
        assert session.exists(session.session_key)

    def test_cycle_key_with_no_session_cache(self, session: Any) -> None:
        session["a"], session["b"] = "c", "d"
        session.save()
        fresh = self.store(session.session_key)
        fresh.cycle_key()
        assert dict(fresh.items()) == {"a": "c", "b": "d"}

    def test_invalid_key_is_replaced(self) -> None:
        session = self.store("1")
        session.save()
        assert session.session_key != "1"
        assert session.get("cat") is None

    @pytest.mark.parametrize("key", ["", "1234567", None])
    def test_session_key_is_none_when_too_short(self, key: str | None) -> None:
        assert self.store(key).session_key is None

    def test_session_key_cannot_be_chosen(self) -> None:
        session = self.store(NO_KEY)
        assert session.get("cat") is None
        session["cat"] = "dog"
        session.save()
        assert session.session_key != NO_KEY
        assert not session.exists(NO_KEY)

    def test_session_key_is_read_only(self, session: Any) -> None:
        with pytest.raises(AttributeError):
            session.session_key = "anything"

    def test_load_of_an_overlong_key_is_empty(self) -> None:
        assert self.store("x" * 4000).load() == {}

    def test_get_empty_of_no_key_is_empty(self, session: Any) -> None:
        assert session.is_empty()
        session["foo"] = 1
        assert not session.is_empty()

    def test_default_expiry_is_the_cookie_age(self, session: Any, settings: Any) -> None:
        assert session.get_expiry_age() == settings.SESSION_COOKIE_AGE
        session.set_expiry(0)
        assert session.get_expiry_age() == settings.SESSION_COOKIE_AGE

    def test_expiry_in_seconds(self, session: Any) -> None:
        modification = timezone.now()
        session.set_expiry(10)
        date = session.get_expiry_date(modification=modification)
        assert date == modification + timedelta(seconds=10)
        assert session.get_expiry_age(modification=modification) == 10

    def test_expiry_as_a_date(self, session: Any) -> None:
        modification = timezone.now()
        session.set_expiry(modification + timedelta(seconds=10))
        date = session.get_expiry_date(modification=modification)
        assert date == modification + timedelta(seconds=10)
        assert session.get_expiry_age(modification=modification) == 10

    def test_expiry_reset(self, session: Any, settings: Any) -> None:
        session.set_expiry(None)
        session.set_expiry(10)
        session.set_expiry(None)
        assert session.get_expiry_age() == settings.SESSION_COOKIE_AGE

    @pytest.mark.parametrize("default", [True, False])
    def test_expire_at_browser_close(self, session: Any, settings: Any, default: bool) -> None:
        settings.SESSION_EXPIRE_AT_BROWSER_CLOSE = default
        found = []
        for expiry in (10, 0, None):
            session.set_expiry(expiry)
            found.append(session.get_expire_at_browser_close())
        assert found == [False, True, default]

    def test_expiry_in_the_past_ends_at_once(self, session: Any) -> None:
        session["foo"] = "bar"
        session.set_expiry(-timedelta(seconds=10))
        session.save()
        assert "foo" not in self.store(session.session_key)

    def test_expiry_survives_a_save(self, session: Any) -> None:
        session.set_expiry(300)
        session.save()
        assert self.store(session.session_key).get_expiry_age() == 300

    def test_encode_and_decode_agree(self, session: Any) -> None:
        data = {"a test key": "a test value"}
        assert session.decode(session.encode(data)) == data

    def test_decode_of_a_forgery_is_empty_and_logged(self, session: Any, caplog: Any) -> None:
        assert session.decode("Zmxhc2tkajphbGtkamY=") == {}
        assert "Session data corrupted" in caplog.text

    def test_clear_expired_keeps_live_sessions(self, session: Any) -> None:
        session["foo"] = "bar"
        session.save()
        self.store.clear_expired()
        assert self.store(session.session_key)["foo"] == "bar"

    def test_async_save_and_load(self) -> None:
        @async_to_sync
        async def scenario() -> Any:
            session = self.store()
            await session.aset("cat", "dog")
            await session.asave()
            assert await session.aexists(session.session_key)
            return await self.store(session.session_key).aget("cat")

        assert scenario() == "dog"

    def test_async_save_must_create_refuses_a_taken_key(self, session: Any) -> None:
        session.save()
        with pytest.raises(CreateError):
            async_to_sync(self.store(session.session_key).asave)(must_create=True)

    def test_async_save_after_delete_raises(self, session: Any) -> None:
        session["foo"] = "bar"
        session.save()
        key = session.session_key

        @async_to_sync
        async def scenario() -> None:
            concurrent = self.store(key)
            await concurrent.aset("cat", "dog")
            await self.store(key).adelete()
            await concurrent.asave()

        with pytest.raises(UpdateError):
            scenario()
        assert not session.exists(key)

    def test_async_flush(self, session: Any) -> None:
        session["foo"] = "bar"
        session.save()
        old_key = session.session_key
        async_to_sync(session.aflush)()
        assert not session.exists(old_key)
        assert session.session_key is None

    def test_async_delete_of_an_unsaved_session_is_silent(self, session: Any) -> None:
        async_to_sync(session.adelete)()
        async_to_sync(session.adelete)(NO_KEY)
        assert not session.exists(NO_KEY)

    def test_async_cycle_key(self, session: Any) -> None:
        session["a"] = "b"
        session.save()
        old_key = session.session_key
        async_to_sync(session.acycle_key)()
        assert not session.exists(old_key)
        assert self.store(session.session_key)["a"] == "b"

    def test_async_create(self, session: Any) -> None:
        async_to_sync(session.acreate)()
        assert session.modified
        assert session.exists(session.session_key)

    def test_async_expiry(self, session: Any) -> None:
        @async_to_sync
        async def scenario() -> Any:
            await session.aset_expiry(300)
            await session.asave()
            return await self.store(session.session_key).aget_expiry_age()

        assert scenario() == 300

    def test_async_clear_expired_keeps_live_sessions(self, session: Any) -> None:
        session.save()
        async_to_sync(self.store.aclear_expired)()
        assert session.exists(session.session_key)
