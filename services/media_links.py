"""Signed addresses of files: whoever has one may fetch the file until it expires, without a credential."""

import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from domain.ids import PREFIXES, MediaId, TenantId, type_id

SECONDS = 3600
"""How long a link is good for, at least."""

_STEP = 900
"""Expiry is rounded up to these seconds, so that a browser sees one address for a while and need not fetch twice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaLinks:
    """Makes and checks links; `key` signs them, `base_url` is where others reach this server."""

    key: bytes = field(repr=False)
    base_url: str

    def make(self, tenant_id: TenantId, media_id: MediaId, *, now: datetime) -> str:
        """Return a link to a file."""
        expires = -(-(int(now.timestamp()) + SECONDS) // _STEP) * _STEP
        tenant, media = type_id(PREFIXES["TenantId"], tenant_id), type_id(PREFIXES["MediaId"], media_id)
        signature = self._signature(tenant_id, media_id, expires)
        return f"{self.base_url}/media/{media}?tenant={tenant}&expires={expires}&signature={signature}"

    def is_good(
        self, tenant_id: TenantId, media_id: MediaId, *, expires: int, signature: str, now: datetime
    ) -> bool:
        """Whether a link was made here for this file and has not expired."""
        expected = self._signature(tenant_id, media_id, expires)
        is_ours = hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
        return is_ours and now.astimezone(UTC).timestamp() < expires

    def _signature(self, tenant_id: TenantId, media_id: MediaId, expires: int) -> str:
        text = f"ventros media link 1 {tenant_id} {media_id} {expires}"
        return hmac.new(self.key, text.encode(), sha256).hexdigest()
