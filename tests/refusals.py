"""One way to test that bad input is refused, for all modules; `pytest -s` shows the messages."""
import pytest


def refused(call, error, *words):
    "The call raises exactly this kind of error (of a tuple: one of them); its message holds the words and is printed."
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    print(f"\n{type(caught.value).__name__}: {message}")
    assert type(caught.value) in (error if isinstance(error, tuple) else (error,)) and len(message) < 3_000
    for word in words:
        assert word in message, f"{word!r} is not in the message: {message}"
