"""What a viewer may do; every service names the permission it needs on its first line."""

from enum import Enum


class Permission(Enum):
    """One right within a project."""

    CONTACTS_READ = "CONTACTS_READ"
    CONTACTS_WRITE = "CONTACTS_WRITE"
    CHATS_READ = "CHATS_READ"
    CHATS_WRITE = "CHATS_WRITE"
    SESSIONS_READ = "SESSIONS_READ"
    SESSIONS_WRITE = "SESSIONS_WRITE"
    MESSAGES_READ = "MESSAGES_READ"
    MESSAGES_SEND = "MESSAGES_SEND"
    CHANNELS_READ = "CHANNELS_READ"
    CHANNELS_WRITE = "CHANNELS_WRITE"
    PIPELINES_WRITE = "PIPELINES_WRITE"
    AGENTS_WRITE = "AGENTS_WRITE"
    API_KEYS_WRITE = "API_KEYS_WRITE"
    AI_READ = "AI_READ"
    EVENTS_READ = "EVENTS_READ"
    JOBS_READ = "JOBS_READ"
    JOBS_WRITE = "JOBS_WRITE"


ALL_PERMISSIONS = frozenset(Permission)
READ_PERMISSIONS = frozenset(permission for permission in Permission if permission.value.endswith("_READ"))
