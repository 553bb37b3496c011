from sockgate.access.reminder import INTERVAL_S, Reminder


def test_reminder_is_due_once_a_minute() -> None:
    now = [5.0]
    reminder = Reminder(lambda: now[0])
    assert [reminder.is_due(), reminder.is_due()] == [True, False]
    now[0] += INTERVAL_S - 0.1
    assert not reminder.is_due()
    now[0] += 0.1
    assert reminder.is_due()
