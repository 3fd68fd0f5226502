"""Importing this module maps every domain class to its table, once."""

from sqlalchemy import Table
from sqlalchemy.orm import configure_mappers, registry

from domain.ai.contact_fact import ContactFact
from domain.ai.run import AiRun
from domain.ai.session_summary import SessionSummary
from domain.crm.channel import Channel
from domain.crm.chat import Chat, ChatParticipant
from domain.crm.contact import Contact, ContactIdentity
from domain.crm.enrichment import Enrichment
from domain.crm.message import Message
from domain.crm.message_group import MessageGroup
from domain.crm.pipeline import Pipeline
from domain.crm.scheduled_message import ScheduledMessage
from domain.crm.session import Session
from domain.identity.agent import Agent
from domain.identity.api_key import ApiKey
from domain.identity.tenant import Project, Tenant
from domain.operations.job_run import JobRun
from persistence.ai.contact_facts import contact_facts
from persistence.ai.runs import ai_runs
from persistence.ai.session_summaries import session_summaries
from persistence.crm.channels import channels
from persistence.crm.chats import chat_participants, chats
from persistence.crm.contacts import contact_identities, contacts
from persistence.crm.enrichments import enrichments
from persistence.crm.message_groups import message_groups
from persistence.crm.messages import messages
from persistence.crm.pipelines import pipelines
from persistence.crm.scheduled_messages import scheduled_messages
from persistence.crm.sessions import sessions
from persistence.identity.agents import agents
from persistence.identity.api_keys import api_keys
from persistence.identity.tenants import projects, tenants
from persistence.metadata import metadata
from persistence.operations.job_runs import job_runs

mapper_registry = registry(metadata=metadata)

AGGREGATE_TABLES: dict[type, Table] = {
    Tenant: tenants,
    Project: projects,
    Agent: agents,
    ApiKey: api_keys,
    Pipeline: pipelines,
    Channel: channels,
    Contact: contacts,
    Chat: chats,
    Session: sessions,
    Message: messages,
    MessageGroup: message_groups,
    ScheduledMessage: scheduled_messages,
    AiRun: ai_runs,
    ContactFact: contact_facts,
    SessionSummary: session_summaries,
    Enrichment: enrichments,
    JobRun: job_runs,
}
"""The table of each aggregate; `version` is the optimistic lock."""

for aggregate, table in AGGREGATE_TABLES.items():
    mapper_registry.map_imperatively(
        aggregate, table, version_id_col=table.c.version, primary_key=[table.c.id], eager_defaults=False
    )
mapper_registry.map_imperatively(ContactIdentity, contact_identities, primary_key=[contact_identities.c.id])
mapper_registry.map_imperatively(ChatParticipant, chat_participants, primary_key=[chat_participants.c.id])
configure_mappers()
