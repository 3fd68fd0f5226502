"""Under which context the vault seals each secret of a channel; opening needs the same."""


def waha_api_key_context(webhook_token: str) -> str:
    """Return the context of the API key of the WAHA server behind a channel."""
    return f"channel:{webhook_token}:waha_api_key"


def webhook_hmac_key_context(webhook_token: str) -> str:
    """Return the context of the key that signs a channel's webhooks."""
    return f"channel:{webhook_token}:webhook_hmac_key"
