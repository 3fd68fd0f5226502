"""A session's life: starting, waiting for the QR code, working, stopped, failed."""

from wasim.ids import lid_of
from wasim.network import announce
from wasim.session import Me, Session, Status
from wasim.simulator import Simulator
from wasim.wire import Body

KEPT_STATUSES = 3


def change(sim: Simulator, session: Session, status: Status) -> None:
    """Enter a status and tell it; entering SCAN_QR_CODE makes a new code, entering WORKING
    announces what has come in meanwhile.
    """
    now = sim.clock.millis()
    session.status = status
    session.activity = now
    if status == "SCAN_QR_CODE":
        session.qr += 1
    session.statuses = [*session.statuses, (status, now)][-KEPT_STATUSES:]
    sim.webhooks.publish(session, "session.status", _payload(session))
    if status == "WORKING":
        backlog, session.backlog = session.backlog, []
        for message in backlog:
            announce(sim, session, message)


def start(sim: Simulator, session: Session) -> None:
    """From STOPPED or FAILED to STARTING, then on to WORKING or to a QR code; nothing when running."""
    if session.status not in ("STOPPED", "FAILED"):
        return
    change(sim, session, "STARTING")
    sim.background.spawn(_come_up(sim, session))


def stop(sim: Simulator, session: Session) -> None:
    """To STOPPED; nothing when stopped."""
    if session.status != "STOPPED":
        change(sim, session, "STOPPED")


def pair(sim: Simulator, session: Session, *, phone: str, push_name: str) -> None:
    """Somebody scans the code: the session has an account and works."""
    session.me = Me(phone=phone, lid=lid_of(phone), push_name=push_name)
    change(sim, session, "WORKING")


def log_out(sim: Simulator, session: Session) -> None:
    """Unlink the account; a running session asks for a new scan."""
    session.me = None
    if session.status != "STOPPED":
        session.status = "STOPPED"
        start(sim, session)


async def _come_up(sim: Simulator, session: Session) -> None:
    await sim.clock.wait(0.3)
    if session.status != "STARTING":  # Stopped meanwhile.
        return
    if session.me is not None:
        change(sim, session, "WORKING")
        return
    change(sim, session, "SCAN_QR_CODE")
    if sim.config.scan_seconds is not None:
        await sim.clock.wait(sim.config.scan_seconds)
        if _waits_for_scan(session):
            pair(sim, session, phone="5511999990000", push_name="Loja Exemplo")


def _waits_for_scan(session: Session) -> bool:
    return session.status == "SCAN_QR_CODE"


def _payload(session: Session) -> Body:
    statuses = [{"status": status, "timestamp": at} for status, at in session.statuses]
    return {"name": session.name, "status": session.status, "statuses": statuses, "data": None}
