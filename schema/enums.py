"""The domain's enums as published, each member with its meaning."""

from enum import Enum

import strawberry

from domain.ai.run import RunOutcome, ToolOutcome
from domain.ai.session_summary import Sentiment
from domain.ai.usage import AiPurpose
from domain.crm.channel import ChannelKind, ChannelStatus, Engine
from domain.crm.chat import ChatStatus, ChatType, ParticipantRole
from domain.crm.contact import IdentityKind, IdentitySource
from domain.crm.content import ContentKind, MediaStatus
from domain.crm.enrichment import EnrichmentKind, EnrichmentStatus
from domain.crm.escalation import EscalationCause
from domain.crm.message import MessageDirection, MessageOrigin, MessageStatus
from domain.crm.message_group import GroupCancelReason, GroupStatus
from domain.crm.scheduled_message import LatePolicy, ScheduledMessageStatus
from domain.crm.session import SessionEndReason, SessionStatus
from domain.identity.agent import AgentType
from domain.identity.permission import Permission
from domain.operations.job_run import JobStatus


def publish(enum: type[Enum], description: str, /, **members: str) -> None:
    """Publish an enum under its own name. Raises `TypeError` unless exactly its members are described."""
    if missing := set(enum.__members__) ^ set(members):
        raise TypeError(
            f"{enum.__name__} needs one description per member; these do not fit: {sorted(missing)}."
        )
    strawberry.enum(enum, description=description)
    for value in enum.__strawberry_definition__.values:  # type: ignore[attr-defined] # Set by strawberry.
        value.description = members[value.name]


publish(ChannelKind, "What carries a channel's messages.", WAHA="WhatsApp through a WAHA server.")
publish(
    ChannelStatus,
    "Whether a channel is connected to WhatsApp.",
    INACTIVE="Not connected, and nobody asked for it.",
    ACTIVATING="Somebody asked to connect it; a worker is about to.",
    CONNECTING="WAHA is connecting, or waits for the QR code to be scanned.",
    ACTIVE="Connected: messages flow.",
    DISCONNECTED="The connection was lost.",
    ERROR="WAHA failed; health.lastError says how.",
)
publish(
    Engine,
    "The WhatsApp engine behind a WAHA server.",
    GOWS="Whatsmeow, in Go.",
    NOWEB="Baileys, without a browser.",
    WEBJS="The library whatsapp-web.js, in a browser.",
    WPP="WPPConnect, in a browser.",
)
publish(
    ChatType,
    "What kind of conversation a chat is.",
    INDIVIDUAL="With one person.",
    GROUP="A WhatsApp group.",
    CHANNEL="A WhatsApp channel (newsletter) or status feed.",
)
publish(
    ChatStatus,
    "Whether people work on a chat.",
    ACTIVE="In work.",
    ARCHIVED="Put aside; comes back by itself when the other side writes.",
    CLOSED="Done; comes back by itself when the other side writes.",
)
publish(
    ParticipantRole,
    "What a participant may do in a group.",
    MEMBER="Take part.",
    ADMIN="Change the group as well.",
)
publish(
    IdentityKind,
    "What kind of address an identity is.",
    PHONE="A telephone number.",
    LID="WhatsApp's privacy id, which hides the number.",
    JID="Another WhatsApp address.",
)
publish(
    IdentitySource,
    "How an identity became known.",
    MESSAGE="From a message.",
    LID_TABLE="From WAHA's table of LIDs and numbers.",
    MANUAL="Somebody entered it.",
    IMPORT="From an import.",
)
publish(
    ContentKind,
    "What a message contains.",
    TEXT="Text.",
    IMAGE="A picture.",
    VIDEO="A film.",
    AUDIO="A sound file.",
    VOICE="A voice note.",
    DOCUMENT="Any other file.",
    STICKER="A sticker.",
    LOCATION="A place.",
    CONTACT_CARD="Shared contacts.",
    POLL="A question with options.",
    LIST="A list of choices, or a choice from one.",
    BUTTONS="Buttons, or a press on one.",
    EVENT="An invitation to an event.",
    ORDER="An order or product of a catalogue.",
    SYSTEM="A notice of WhatsApp itself.",
    UNSUPPORTED="Something this version cannot read.",
)
publish(
    MediaStatus,
    "Whether a file can be fetched.",
    PENDING="It is not stored yet: WAHA is being asked for it, or a sent message has not been taken yet.",
    STORED="It can be fetched from url.",
    FAILED="There is no file; error says why.",
)
publish(
    MessageDirection,
    "Which side wrote a message.",
    INBOUND="The other side.",
    OUTBOUND="Ours.",
)
publish(
    MessageOrigin,
    "How a message came to be known.",
    LIVE="WhatsApp delivered it as it was written.",
    HISTORY_IMPORT="Imported from before the channel was connected.",
    GAP_REPAIR="Fetched after an outage.",
    API="Written through this API.",
    PHONE="Typed on our phone.",
    AUTOMATION="Written by an automation.",
    BROADCAST="Part of a broadcast.",
)
publish(
    MessageStatus,
    "How far a message came; it only ever rises, in the order RECEIVED, QUEUED, SENDING, UNCONFIRMED, FAILED, "
    "SENT, DELIVERED, READ, PLAYED, CANCELLED.",
    RECEIVED="The other side's message is filed.",
    QUEUED="Waits for a worker.",
    SENDING="A worker hands it to WhatsApp.",
    UNCONFIRMED="WhatsApp may have taken it or not; it is not sent again.",
    FAILED="Refused; failureReason says why. A late acknowledgement still repairs it.",
    SENT="WhatsApp took it.",
    DELIVERED="It reached a device.",
    READ="It was read.",
    PLAYED="The voice note or video was played.",
    CANCELLED="Withdrawn before it was sent.",
)
publish(
    GroupStatus,
    "How far a burst of messages came.",
    PENDING="More may be written into it.",
    PROCESSING="The writer paused; it is read, and an agent may answer.",
    COMPLETED="It was worked on.",
    FAILED="It could not be worked on; error says why, text what it says.",
    CANCELLED="Nothing follows from it; cancelReason says why.",
)
publish(
    GroupCancelReason,
    "Why nothing follows from a burst of messages.",
    HUMAN_REPLY="One of us answered.",
    REQUESTED="Somebody cancelled it.",
    EMPTY="All its messages were deleted for everyone.",
    MERGED="Its messages went into another group, because two chats turned out to be one.",
)
publish(
    ScheduledMessageStatus,
    "What became of a scheduled message.",
    SCHEDULED="It waits for its time, and can be changed and cancelled.",
    SENT="Its time came; message is what it became, and how that fared.",
    CANCELLED="Somebody cancelled it.",
    FAILED="It could not be sent, or it was too late; failureReason says why.",
)
publish(
    LatePolicy,
    "What to do when nobody could send a message at its time, because everything was down.",
    SEND_LATE="Send it as soon as possible.",
    SKIP="Send it only within expiresAfterSeconds of its time; after that it has FAILED.",
)
publish(
    EnrichmentKind,
    "What is found out about a message's file.",
    TRANSCRIPTION="The words of a recording.",
    OCR="The words in a picture.",
    DESCRIPTION="What a picture shows.",
    DOCUMENT_TEXT="The text of a document.",
)
publish(
    EnrichmentStatus,
    "How far finding it out came.",
    WAITING="Its file is not stored yet.",
    PENDING="Waits for a worker, or for the next attempt.",
    PROCESSING="A worker is at it.",
    COMPLETED="The text is there.",
    FAILED="It could not be found out; error says why.",
    SKIPPED="It is not found out; error says why: the type or size of the file, or the budget.",
)
publish(
    AiPurpose,
    "What AI providers are called for.",
    ENRICHMENT="Finding out what files say.",
    AGENT="Answering.",
    SUMMARY="Summing up.",
)
publish(
    SessionStatus,
    "Whether a session goes on.",
    ACTIVE="It goes on.",
    ENDED="It is over; endReason says why.",
)
publish(
    SessionEndReason,
    "Why a session ended.",
    INACTIVITY_TIMEOUT="Nobody wrote for timeoutSeconds.",
    MANUAL_CLOSE="Somebody closed it.",
    RESOLVED="The matter is settled.",
    CONTACT_REQUEST="The contact asked for it.",
    CHANNEL_CLOSED="The channel was closed.",
)
publish(
    AgentType,
    "What kind of agent somebody is.",
    HUMAN="A person.",
    BOT="A program of yours that answers.",
    AI="A language model that answers by itself, on the channels it is put in charge of.",
    SYSTEM="A job of the installation; never shown as an agent.",
)
publish(
    Permission,
    "One right within a project.",
    CONTACTS_READ="Read contacts.",
    CONTACTS_WRITE="Create, change and delete contacts.",
    CHATS_READ="Read chats.",
    CHATS_WRITE="Archive, close and reopen chats; flush and cancel message groups; read files again.",
    SESSIONS_READ="Read sessions, and agents who are in charge of them.",
    SESSIONS_WRITE="Close and assign sessions.",
    MESSAGES_READ="Read messages, message groups and scheduled messages.",
    MESSAGES_SEND="Write messages, and schedule, change and cancel those to be sent later.",
    CHANNELS_READ="Read channels and pipelines.",
    CHANNELS_WRITE="Set up, change and connect channels; set the AI budget.",
    PIPELINES_WRITE="Set up pipelines.",
    AGENTS_WRITE="Create, change and stop agents.",
    API_KEYS_WRITE="See, issue and revoke API keys.",
    AI_READ="Read how AI agents are set up, what they did and what it cost.",
    EVENTS_READ="Follow what happens.",
    JOBS_READ="See background jobs and their queues.",
    JOBS_WRITE="Run background jobs again, and cancel them.",
)
publish(
    JobStatus,
    "How far a job came.",
    QUEUED="Somebody asked for it; no worker has begun.",
    RUNNING="A worker is at it.",
    RETRYING="The newest attempt failed; there will be another.",
    SUCCEEDED="It is done.",
    FAILED="It will not be tried again by itself; errorClass says why.",
    CANCELLED="Somebody cancelled it.",
)
publish(
    RunOutcome,
    "How an agent's work on a burst ended.",
    REPLIED="It answered.",
    SILENT="It found that no answer was wanted.",
    ESCALATED="It handed over to a person.",
    SUPERSEDED="A person was faster, or the burst was cancelled; nothing was sent.",
    BUDGET="What it may cost was used up; no model was asked.",
    FAILED="It could not answer; error says why.",
)
publish(
    ToolOutcome,
    "What came of an agent's call of a tool.",
    DONE="It was done.",
    REFUSED="The arguments were wrong, or a rule forbade it; the model was told.",
    FORBIDDEN="The agent may not call it, or there is no such tool.",
    EXCESS="The agent had called as often as it may.",
)
publish(
    EscalationCause,
    "Why a person is needed.",
    REQUESTED="The agent asked for one.",
    FAILURE="The agent could not answer.",
    BUDGET="What the agent may cost was used up.",
)
publish(
    Sentiment,
    "How a contact felt in a session.",
    POSITIVE="Content.",
    NEUTRAL="Neither content nor discontent.",
    NEGATIVE="Discontent.",
    MIXED="Now one, now the other.",
)
