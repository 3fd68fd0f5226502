"""The whole API on one page: what can be asked, done and followed."""

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from domain.values import PhoneNumber
from resolvers import nodes as about_nodes
from resolvers.ai import runs as about_ai_runs
from resolvers.crm import channels as about_channels
from resolvers.crm import chats as about_chats
from resolvers.crm import contacts as about_contacts
from resolvers.crm import enrichments as about_enrichments
from resolvers.crm import message_groups as about_groups
from resolvers.crm import messages as about_messages
from resolvers.crm import pipelines as about_pipelines
from resolvers.crm import scheduled_messages as about_scheduled
from resolvers.crm import sessions as about_sessions
from resolvers.identity import agents as about_agents
from resolvers.identity import api_keys as about_api_keys
from resolvers.identity import viewer as about_viewer
from resolvers.operations import job_runs as about_job_runs
from schema.ai import mutations as ai_mutations
from schema.ai.run import AiRun
from schema.ai.run_list_arguments import AiRunOrder, AiRunWhere
from schema.crm import (
    channel_mutations,
    chat_mutations,
    contact_mutations,
    enrichment_mutations,
    message_group_mutations,
    message_mutations,
    scheduled_message_mutations,
    session_mutations,
)
from schema.crm.channel import Channel
from schema.crm.chat import Chat
from schema.crm.chat_list_arguments import ChatOrder, ChatWhere
from schema.crm.contact import Contact
from schema.crm.contact_list_arguments import ContactOrder, ContactWhere
from schema.crm.enrichment import Enrichment
from schema.crm.message import Message
from schema.crm.message_group import MessageGroup
from schema.crm.message_group_list_arguments import MessageGroupOrder, MessageGroupWhere
from schema.crm.message_list_arguments import MessageOrder, MessageWhere
from schema.crm.pipeline import Pipeline
from schema.crm.scheduled_message import ScheduledMessage
from schema.crm.scheduled_message_list_arguments import ScheduledMessageOrder, ScheduledMessageWhere
from schema.crm.session import Session
from schema.crm.session_list_arguments import SessionOrder, SessionWhere
from schema.errors import NameValidationErrors, publish_all
from schema.events import Subscription
from schema.fields import argument, root, root_connection
from schema.identity import mutations as identity_mutations
from schema.identity import project_mutations
from schema.identity.agent import Agent, BotAgent, HumanAgent
from schema.identity.api_key import ApiKey
from schema.identity.tenant import Project, Tenant
from schema.identity.viewer import Viewer
from schema.limits import Limits
from schema.metrics import Measure
from schema.operation import OwnContext, RefuseUnfitText
from schema.operations import job_run_mutations
from schema.operations.job_run import JobRun, Queue
from schema.operations.job_run_list_arguments import JobRunOrder, JobRunWhere
from schema.relay import Connection, Node
from schema.scalars import SCALARS, EventCursor
from schema.user_errors import DuplicateError, InputError, VersionConflictError

ID = strawberry.ID
BY_ID = [argument("id", ID, "The global id.")]


@strawberry.type(
    description="What can be asked. Another tenant's things are answered like things that do not exist."
)
class Query:
    """All reading."""

    node: Node | None = root(
        about_nodes.node, "Anything by its id; null for what does not exist.", arguments=BY_ID
    )
    nodes: list[Node | None] = root(
        about_nodes.nodes,
        "Up to 100 things by their ids, in that order; null for those that do not exist.",
        arguments=[argument("ids", list[ID], "The global ids.")],
    )
    viewer: Viewer = root(about_viewer.viewer, "Who asks.")
    tenant: Tenant = root(about_viewer.own_tenant, "The viewer's organisation.")
    contact: Contact | None = root(about_contacts.one, "One contact.", arguments=BY_ID)
    contact_by_address: Contact | None = root(
        about_contacts.by_address,
        "The contact behind exactly one of phone, lid and jid.",
        arguments=[
            argument("channel_id", ID | None, "A channel of the project; its channels share their contacts."),
            argument(
                "phone", PhoneNumber | None, "A telephone number; in Brazil with or without the ninth digit."
            ),
            argument("lid", str | None, "A LID, with or without @lid."),
            argument("jid", str | None, "A JID, such as 5511999990001@c.us."),
        ],
    )
    contacts: Connection[Contact] = root_connection(
        about_contacts.browse,
        "The contacts; by default those filed last come first.",
        where=ContactWhere,
        order=ContactOrder,
        searched="Text in the name, or at least three digits of the number, whatever case and accents. Not ranked.",
    )
    chat: Chat | None = root(about_chats.one, "One chat.", arguments=BY_ID)
    chats: Connection[Chat] = root_connection(
        about_chats.browse,
        "The chats; by default those with the newest message come first, those without any last.",
        where=ChatWhere,
        order=ChatOrder,
        searched="Text in the subject, or in the other person's name or number, whatever case and accents. Not ranked.",
    )
    session: Session | None = root(about_sessions.one, "One session.", arguments=BY_ID)
    sessions: Connection[Session] = root_connection(
        about_sessions.browse,
        "The sessions; by default those that started last come first.",
        where=SessionWhere,
        order=SessionOrder,
    )
    message: Message | None = root(about_messages.one, "One message.", arguments=BY_ID)
    message_by_external_id: Message | None = root(
        about_messages.by_external_id,
        "The message that WhatsApp knows under an id.",
        arguments=[
            argument("channel_id", ID, "The channel it went through."),
            argument("external_id", str, "WhatsApp's id of it, bare or as WAHA writes it."),
        ],
    )
    messages: Connection[Message] = root_connection(
        about_messages.browse,
        "The messages; by default in the order they were sent.",
        where=MessageWhere,
        order=MessageOrder,
        searched="Text in the body or caption, whatever case and accents. Not ranked.",
    )
    message_group: MessageGroup | None = root(about_groups.one, "One burst of messages.", arguments=BY_ID)
    message_groups: Connection[MessageGroup] = root_connection(
        about_groups.browse,
        "The bursts of messages; by default those that began last come first.",
        where=MessageGroupWhere,
        order=MessageGroupOrder,
    )
    scheduled_message: ScheduledMessage | None = root(
        about_scheduled.one, "One message that is, or was, to be sent later.", arguments=BY_ID
    )
    scheduled_messages: Connection[ScheduledMessage] = root_connection(
        about_scheduled.browse,
        "What was written to be sent later; by default in the order of the times it is or was to be sent.",
        where=ScheduledMessageWhere,
        order=ScheduledMessageOrder,
    )
    enrichment: Enrichment | None = root(about_enrichments.one, "What one file says.", arguments=BY_ID)
    channel: Channel | None = root(about_channels.one, "One channel.", arguments=BY_ID)
    channels: Connection[Channel] = root_connection(about_channels.browse, "The channels, oldest first.")
    pipeline: Pipeline | None = root(about_pipelines.one, "One pipeline.", arguments=BY_ID)
    pipelines: Connection[Pipeline] = root_connection(about_pipelines.browse, "The pipelines, oldest first.")
    agent: Agent | None = root(about_agents.one, "One agent.", arguments=BY_ID)
    agents: Connection[Agent] = root_connection(about_agents.browse, "The agents, oldest first.")
    ai_run: AiRun | None = root(about_ai_runs.one, "One run of an agent.", arguments=BY_ID)
    ai_runs: Connection[AiRun] = root_connection(
        about_ai_runs.browse,
        "What AI agents did; by default what began last comes first.",
        where=AiRunWhere,
        order=AiRunOrder,
    )
    api_keys: Connection[ApiKey] = root_connection(
        about_api_keys.browse, "The project's API keys, oldest first."
    )
    queues: list[Queue] = root(
        about_job_runs.queues, "How the queues of background jobs do for the viewer's organisation."
    )
    job_run: JobRun | None = root(about_job_runs.one, "One background job.", arguments=BY_ID)
    job_runs: Connection[JobRun] = root_connection(
        about_job_runs.browse,
        "The background jobs of the project, and those of the whole organisation; by default those that began "
        "last come first, after those that have not begun.",
        where=JobRunWhere,
        order=JobRunOrder,
    )
    event_cursor: EventCursor = root(
        about_viewer.event_position,
        "Where the event log stands in this very snapshot: subscriptions from here on miss nothing that this "
        "operation did not see.",
    )


@strawberry.type(description="What can be done. Each mutation commits before it answers.")
class Mutation:
    """All changing."""

    contact_create: contact_mutations.ContactCreatePayload = contact_mutations.contact_create
    contact_update: contact_mutations.ContactUpdatePayload = contact_mutations.contact_update
    contact_delete: contact_mutations.ContactDeletePayload = contact_mutations.contact_delete
    channel_create: channel_mutations.ChannelCreatePayload = channel_mutations.channel_create
    channel_update: channel_mutations.ChannelUpdatePayload = channel_mutations.channel_update
    channel_connect: channel_mutations.ChannelConnectPayload = channel_mutations.channel_connect
    pipeline_create: channel_mutations.PipelineCreatePayload = channel_mutations.pipeline_create
    chat_archive: chat_mutations.ChatArchivePayload = chat_mutations.chat_archive
    chat_unarchive: chat_mutations.ChatUnarchivePayload = chat_mutations.chat_unarchive
    chat_close: chat_mutations.ChatClosePayload = chat_mutations.chat_close
    chat_reopen: chat_mutations.ChatReopenPayload = chat_mutations.chat_reopen
    session_close: session_mutations.SessionClosePayload = session_mutations.session_close
    session_assign: session_mutations.SessionAssignPayload = session_mutations.session_assign
    message_send: message_mutations.MessageSendPayload = message_mutations.message_send
    message_schedule: scheduled_message_mutations.MessageSchedulePayload = (
        scheduled_message_mutations.message_schedule
    )
    message_schedule_update: scheduled_message_mutations.MessageScheduleUpdatePayload = (
        scheduled_message_mutations.message_schedule_update
    )
    message_schedule_cancel: scheduled_message_mutations.MessageScheduleCancelPayload = (
        scheduled_message_mutations.message_schedule_cancel
    )
    message_group_flush: message_group_mutations.MessageGroupFlushPayload = (
        message_group_mutations.message_group_flush
    )
    message_group_cancel: message_group_mutations.MessageGroupCancelPayload = (
        message_group_mutations.message_group_cancel
    )
    enrichment_retry: enrichment_mutations.EnrichmentRetryPayload = enrichment_mutations.enrichment_retry
    project_set_ai_budget: project_mutations.ProjectSetAiBudgetPayload = (
        project_mutations.project_set_ai_budget
    )
    job_retry: job_run_mutations.JobRetryPayload = job_run_mutations.job_retry
    job_cancel: job_run_mutations.JobCancelPayload = job_run_mutations.job_cancel
    agent_create: identity_mutations.AgentCreatePayload = identity_mutations.agent_create
    agent_update: identity_mutations.AgentUpdatePayload = identity_mutations.agent_update
    agent_activate: identity_mutations.AgentActivatePayload = identity_mutations.agent_activate
    agent_deactivate: identity_mutations.AgentDeactivatePayload = identity_mutations.agent_deactivate
    chat_automation_pause: ai_mutations.ChatAutomationPausePayload = ai_mutations.chat_automation_pause
    chat_automation_resume: ai_mutations.ChatAutomationResumePayload = ai_mutations.chat_automation_resume
    contact_fact_forget: ai_mutations.ContactFactForgetPayload = ai_mutations.contact_fact_forget
    api_key_create: identity_mutations.ApiKeyCreatePayload = identity_mutations.api_key_create
    api_key_revoke: identity_mutations.ApiKeyRevokePayload = identity_mutations.api_key_revoke


class Schema(strawberry.Schema):
    """The schema, whose errors are published whatever carries them: HTTP, WebSocket or server-sent events."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Publish every error of an operation; strawberry would log them with what people wrote."""
        context = None if execution_context is None else execution_context.context
        publish_all(errors, request_id=getattr(context, "correlation_id", ""))


schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[HumanAgent, BotAgent, Project, InputError, VersionConflictError, DuplicateError],
    extensions=[Measure, NameValidationErrors, OwnContext, Limits, RefuseUnfitText],
    config=StrawberryConfig(scalar_map=dict(SCALARS), disable_field_suggestions=True),
)
