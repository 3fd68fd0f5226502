"""The vault: encrypts the credentials that the product stores for its customers."""

import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from domain.values import Sealed

_NONCE_BYTES, _KEY_ID_BYTES, _FORMAT = 12, 4, b"\x01"


class VaultError(Exception):
    """A secret cannot be opened: VENTROS_SECRET_KEY is not the one that sealed it, or the row was altered."""


class Vault:
    """AES-256-GCM under a key derived from VENTROS_SECRET_KEY.

    A sealed secret is: format byte, key id (4 bytes), nonce (12), ciphertext and tag. Its context, such as the
    channel it belongs to, is authenticated with it, so that nobody can move a secret to another row.
    """

    def __init__(self, secret_key: str) -> None:
        key = HKDFExpand(algorithm=SHA256(), length=32, info=b"ventros vault v1").derive(
            hashlib.sha256(secret_key.encode()).digest()
        )
        self._cipher = AESGCM(key)
        self._key_id = hashlib.sha256(key).digest()[:_KEY_ID_BYTES]

    def seal(self, secret: str, *, context: str) -> Sealed:
        """Encrypt a secret for one place."""
        nonce = os.urandom(_NONCE_BYTES)
        return Sealed(
            _FORMAT + self._key_id + nonce + self._cipher.encrypt(nonce, secret.encode(), context.encode())
        )

    def open(self, sealed: Sealed, *, context: str) -> str:
        """Decrypt a secret from the place it was sealed for. Raises `VaultError`."""
        header = len(_FORMAT) + _KEY_ID_BYTES
        if sealed[: len(_FORMAT)] != _FORMAT or sealed[len(_FORMAT) : header] != self._key_id:
            raise VaultError("The secret was sealed with another VENTROS_SECRET_KEY; restore that key.")
        nonce, ciphertext = sealed[header : header + _NONCE_BYTES], sealed[header + _NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, ciphertext, context.encode()).decode()
        except InvalidTag as error:
            raise VaultError("The sealed secret was altered or belongs to another row.") from error
