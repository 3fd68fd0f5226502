from ventros.development.provider import FakeProvider, describe, needs_fake


def test_a_fake_provider_is_needed_until_another_is_named() -> None:
    assert needs_fake({})
    assert needs_fake({"VENTROS_AI_URL": ""})
    assert not needs_fake({"VENTROS_AI_URL": "http://127.0.0.1:11434/v1"})


def test_the_programs_are_told_where_the_fake_is_and_its_key_instead_of_a_real_one() -> None:
    fake = FakeProvider(port=24402)

    assert fake.environment == {
        "VENTROS_AI_URL": "http://127.0.0.1:24402/v1",
        "VENTROS_AI_KEY": "demo-ai-key",
        "VENTROS_AI_PRICES": (
            '{"gpt-4o-mini": {"prompt": 0.15, "completion": 0.6}, "whisper-1": {"minute": 0.006}}'
        ),
    }
    assert fake.arguments == ("aisim", "--host", "127.0.0.1", "--port", "24402")


def test_the_screen_tells_the_two_settings_and_repeats_no_address_of_the_user() -> None:
    assert describe(FakeProvider(port=24402)) == (
        "http://127.0.0.1:24402/v1 (a fake; VENTROS_AI_URL and VENTROS_AI_KEY name a real or local model)"
    )
    assert describe(None) == "the one that VENTROS_AI_URL names"
