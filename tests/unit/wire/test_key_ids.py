from sockgate_gateway.wire.key_ids import fingerprint, is_key_id, key_id, key_ids, short

KEY = "the-key-of-today-0123456789abcdef"


def test_fingerprint_is_golden():
    assert fingerprint(KEY) == "JJsaHm8qWRHW06GZ"


def test_key_id_is_the_beginning_of_the_fingerprint():
    assert key_id(KEY) == short(fingerprint(KEY)) == fingerprint(KEY)[:8]
    assert key_ids([KEY, KEY[::-1]]) == [key_id(KEY), key_id(KEY[::-1])]


def test_key_id_has_one_form():
    assert is_key_id(key_id(KEY))
    values = ("", "abcdefg", "abcdefghi", "abc\ndefg", "abcdefg\n", "\u0661bcdefgh", None, 7)
    assert [value for value in values if is_key_id(value)] == []
