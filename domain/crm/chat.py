"""A chat: the conversation on one channel with one person, a group, or a newsletter."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import ClassVar

from domain.base import Aggregate, Event
from domain.errors import InvalidState
from domain.ids import ChannelId, ChatId, ContactId, ParticipantId, ProjectId, TenantId, new_id

SUBJECT_LIMIT = 255


class ChatType(Enum):
    """What kind of conversation it is; CHANNEL is a WhatsApp newsletter or status feed."""

    INDIVIDUAL = "INDIVIDUAL"
    GROUP = "GROUP"
    CHANNEL = "CHANNEL"


class ChatStatus(Enum):
    """Whether people work on the chat."""

    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"
    CLOSED = "CLOSED"


class ParticipantRole(Enum):
    """What a participant may do in a group."""

    MEMBER = "MEMBER"
    ADMIN = "ADMIN"


@dataclass(eq=False, kw_only=True)
class ChatParticipant:
    """A contact who takes part in a chat; unique per chat while `left_at` is None."""

    id: ParticipantId
    tenant_id: TenantId
    chat_id: ChatId
    contact_id: ContactId
    role: ParticipantRole
    joined_at: datetime
    left_at: datetime | None = None


class ChatCreated(Event, name="chat.created"):
    """A conversation was seen for the first time."""

    chat_id: ChatId
    channel_id: ChannelId
    type: ChatType


class ChatParticipantAdded(Event, name="chat.participant_added"):
    """A contact takes part in the chat."""

    chat_id: ChatId
    contact_id: ContactId


class ChatArchived(Event, name="chat.archived"):
    """The chat was put aside."""

    chat_id: ChatId


class ChatUnarchived(Event, name="chat.unarchived"):
    """The chat came back, by hand or because somebody wrote."""

    chat_id: ChatId


class ChatClosed(Event, name="chat.closed"):
    """Work on the chat ended."""

    chat_id: ChatId


class ChatReopened(Event, name="chat.reopened"):
    """Work on a closed chat began again."""

    chat_id: ChatId


class ChatSubjectUpdated(Event, name="chat.subject_updated"):
    """The group or newsletter is called differently."""

    chat_id: ChatId
    new_subject: str | None


class ChatMessageFiled(Event, name="chat.updated"):
    """The newest message of the chat moved."""

    chat_id: ChatId
    last_message_at: datetime


class ChatAutomationPaused(Event, name="chat.automation_paused"):
    """A person took over; no AI agent answers here until then."""

    chat_id: ChatId
    until: datetime


class ChatAutomationResumed(Event, name="chat.automation_resumed"):
    """AI agents may answer here again."""

    chat_id: ChatId


class ChatMerged(Event, name="chat.merged"):
    """Two chats turned out to be with one person; the merged one is gone."""

    primary_chat_id: ChatId
    merged_chat_id: ChatId


@dataclass(eq=False, kw_only=True)
class Chat(Aggregate):
    """A conversation.

    `external_id` is the WhatsApp chat id as WAHA writes it, unique per channel. An INDIVIDUAL chat has a
    contact and no subject; the others have no contact of their own. `subject_due_at` is when to ask WhatsApp what
    a group is called, which no message tells; None once that is settled. No AI agent answers before
    `automation_resumes_at`. `merged_into_id` is set on a chat that was
    joined to another in this very transaction and is about to be removed.
    """

    kind: ClassVar[str] = "chat"
    id: ChatId
    tenant_id: TenantId
    project_id: ProjectId
    channel_id: ChannelId
    type: ChatType
    status: ChatStatus
    external_id: str
    contact_id: ContactId | None = None
    subject: str | None = None
    last_message_at: datetime | None = None
    subject_due_at: datetime | None = None
    automation_resumes_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1
    merged_into_id: ChatId | None = None

    @classmethod
    def open(
        cls,
        *,
        tenant_id: TenantId,
        project_id: ProjectId,
        channel_id: ChannelId,
        type: ChatType,  # noqa: A002 The word the API uses.
        external_id: str,
        contact_id: ContactId | None,
        at: datetime,
    ) -> "Chat":
        """Begin a conversation."""
        if (type is ChatType.INDIVIDUAL) != (contact_id is not None):
            raise InvalidState("Exactly the individual chats have a contact of their own.")
        chat = cls(
            id=ChatId(new_id()),
            tenant_id=tenant_id,
            project_id=project_id,
            channel_id=channel_id,
            type=type,
            status=ChatStatus.ACTIVE,
            external_id=external_id,
            contact_id=contact_id,
            subject_due_at=at if type is ChatType.GROUP else None,
            created_at=at,
            updated_at=at,
        )
        chat.record(ChatCreated(chat_id=chat.id, channel_id=channel_id, type=type), at=at)
        return chat

    def file(self, sent_at: datetime, *, at: datetime) -> None:
        """Note that a message of that time belongs here; late messages never move the chat back."""
        if self.last_message_at is None or sent_at > self.last_message_at:
            self.last_message_at = sent_at
            self.record(ChatMessageFiled(chat_id=self.id, last_message_at=sent_at), at=at)

    def wake(self, *, at: datetime) -> None:
        """Bring the chat back to work because the other side wrote."""
        if self.status is ChatStatus.ARCHIVED:
            self.unarchive(at=at)
        elif self.status is ChatStatus.CLOSED:
            self.reopen(at=at)

    def archive(self, *, at: datetime) -> None:
        """Put the chat aside; it comes back by itself when the other side writes."""
        if self.status is ChatStatus.CLOSED:
            raise InvalidState("A closed chat cannot be archived; reopen it first.")
        if self.status is ChatStatus.ACTIVE:
            self.status = ChatStatus.ARCHIVED
            self.record(ChatArchived(chat_id=self.id), at=at)

    def unarchive(self, *, at: datetime) -> None:
        """Bring an archived chat back."""
        if self.status is ChatStatus.CLOSED:
            raise InvalidState("A closed chat cannot be unarchived; reopen it instead.")
        if self.status is ChatStatus.ARCHIVED:
            self.status = ChatStatus.ACTIVE
            self.record(ChatUnarchived(chat_id=self.id), at=at)

    def close(self, *, at: datetime) -> None:
        """End work on the chat."""
        if self.status is not ChatStatus.CLOSED:
            self.status = ChatStatus.CLOSED
            self.record(ChatClosed(chat_id=self.id), at=at)

    def reopen(self, *, at: datetime) -> None:
        """Take up work on a closed chat again."""
        if self.status is not ChatStatus.CLOSED:
            raise InvalidState(f"Only a closed chat can be reopened; this one is {self.status.value}.")
        self.status = ChatStatus.ACTIVE
        self.record(ChatReopened(chat_id=self.id), at=at)

    def refuse_if_closed(self) -> None:
        """Raise `InvalidState` when nobody may write here."""
        if self.status is ChatStatus.CLOSED:
            raise InvalidState("The chat is closed; reopen it before writing.", field=["chatId"])

    def entitle(self, subject: str | None, *, at: datetime) -> None:
        """Note what the group or newsletter is called; it need not be asked any more."""
        if self.subject_due_at is not None:
            self.subject_due_at = None
            self.touch(at)
        text = (subject or "").strip()[:SUBJECT_LIMIT] or None
        if self.type is not ChatType.INDIVIDUAL and text != self.subject:
            self.subject = text
            self.record(ChatSubjectUpdated(chat_id=self.id, new_subject=text), at=at)

    def ask_subject_later(self, due_at: datetime, *, at: datetime) -> None:
        """Ask what the group is called again, because WhatsApp could not tell."""
        if self.type is ChatType.GROUP and self.subject is None:
            self.subject_due_at = due_at
            self.touch(at)

    def readdress(self, external_id: str, *, at: datetime) -> None:
        """Note the address to write to from now on: the phone form, once a person known by LID has one."""
        if external_id != self.external_id:
            self.external_id = external_id
            self.touch(at)

    def welcome(self, contact_id: ContactId, *, joined_at: datetime, at: datetime) -> ChatParticipant:
        """Return the participation of a contact seen in the chat and record it."""
        self.record(ChatParticipantAdded(chat_id=self.id, contact_id=contact_id), at=at)
        return ChatParticipant(
            id=ParticipantId(new_id()),
            tenant_id=self.tenant_id,
            chat_id=self.id,
            contact_id=contact_id,
            role=ParticipantRole.MEMBER,
            joined_at=joined_at,
        )

    def is_paused(self, now: datetime) -> bool:
        """Whether a person has taken over and no AI agent may answer."""
        return self.automation_resumes_at is not None and now < self.automation_resumes_at

    def pause_automation(self, until: datetime, *, at: datetime) -> None:
        """Keep AI agents silent until then; a shorter pause does not shorten a longer one."""
        if until > at and (self.automation_resumes_at is None or until > self.automation_resumes_at):
            self.automation_resumes_at = until
            self.record(ChatAutomationPaused(chat_id=self.id, until=until), at=at)

    def resume_automation(self, *, at: datetime) -> None:
        """Let AI agents answer again."""
        if self.automation_resumes_at is not None:
            self.automation_resumes_at = None
            self.record(ChatAutomationResumed(chat_id=self.id), at=at)

    def absorb(self, other: "Chat", *, at: datetime) -> None:
        """Take over another chat that turned out to be with the same person; the other is removed."""
        if other.id == self.id or other.channel_id != self.channel_id:
            raise InvalidState(f"Chat {other.id} cannot be merged into {self.id}.")
        if other.last_message_at is not None:
            self.file(other.last_message_at, at=at)
        if other.status is ChatStatus.ACTIVE:
            self.wake(at=at)
        if other.automation_resumes_at is not None:
            self.pause_automation(other.automation_resumes_at, at=at)
        other.merged_into_id = self.id
        self.record(ChatMerged(primary_chat_id=self.id, merged_chat_id=other.id), at=at)
