"""An AI agent as a viewer: it may do what its tools need, in its own project, and nothing else."""

from collections.abc import Mapping

from domain.ai.agent_settings import AgentSettings
from domain.identity.agent import Agent
from domain.identity.permission import Permission
from services.viewer import Viewer

ALWAYS = frozenset(
    {
        Permission.CONTACTS_READ,
        Permission.CHATS_READ,
        Permission.SESSIONS_READ,
        Permission.MESSAGES_READ,
        Permission.MESSAGES_SEND,
    }
)
"""What reading a conversation and answering it needs."""

OF_TOOLS: Mapping[str, Permission] = {
    "remember_fact": Permission.CONTACTS_WRITE,
    "rename_contact": Permission.CONTACTS_WRITE,
    "assign_session": Permission.SESSIONS_WRITE,
    "close_session": Permission.SESSIONS_WRITE,
}
"""What some tools need besides."""


def agent_viewer(agent: Agent, settings: AgentSettings) -> Viewer:
    """Return the viewer that an agent acts as."""
    needed = {OF_TOOLS[name] for name in settings.tools if name in OF_TOOLS}
    return Viewer(
        id=agent.id,
        name=agent.name,
        tenant_id=agent.tenant_id,
        project_id=agent.project_id,
        permissions=ALWAYS | needed,
        agent_id=agent.id,
    )
