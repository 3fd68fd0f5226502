"""Importing this module declares every table, mapped or not."""

import persistence.ai_usage
import persistence.mapping
import persistence.messaging.events
import persistence.messaging.facts
import persistence.messaging.inbox
import persistence.messaging.media
import persistence.messaging.outgoing  # noqa: F401
