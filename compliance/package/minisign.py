"""Signatures in the form of minisign, so that `minisign -V` checks ours and we check its.

A secret key file is minisign's own, with or without a password. A signature is of the kind that minisign makes since
0.10: Ed25519 over the BLAKE2b digest of the file. Source of the form: minisign.jedisct.github.io; scrypt's parameters
are found from its limits as libsodium finds them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ALGORITHM, PREHASHED, SCRYPT, CHECKSUM = b"Ed", b"ED", b"Sc", b"B2"
PUBLIC_BYTES, SECRET_BYTES, SIGNATURE_BYTES, GLOBAL_BYTES = 42, 158, 74, 64
LARGEST_KEY_BYTES = 4096
UNTRUSTED, TRUSTED = "untrusted comment: ", "trusted comment: "
MOST_MEMORY_BYTES = 1 << 31
LEAST_OPERATIONS = 32768


class SignatureError(ValueError):
    """A key or a signature is not of the form, or does not fit; the message says what was expected and found."""


class SecretKey(NamedTuple):
    """What signs."""

    key_id: bytes
    seed: bytes


class PublicKey(NamedTuple):
    """What verifies."""

    key_id: bytes
    key: bytes

    @property
    def text(self) -> str:
        """The key as one line."""
        return base64.b64encode(ALGORITHM + self.key_id + self.key).decode()


class Signature(NamedTuple):
    """A signature as its file has it."""

    key_id: bytes
    signature: bytes
    comment: str
    global_signature: bytes


def read_secret_key(path: Path, password: Callable[[], str]) -> SecretKey:
    """Read a secret key; `password` is asked where the file is encrypted.

    Raises:
        SignatureError: it is none, or the password is wrong.
        OSError: it cannot be read.
    """
    raw = _decoded(_second_line(path.read_bytes()), SECRET_BYTES, "a secret key of minisign")
    if raw[:2] != ALGORITHM or raw[4:6] != CHECKSUM or raw[2:4] not in (SCRYPT, b"\0\0"):
        raise SignatureError(
            f"{path}: expected a secret key of minisign, found another algorithm — make one: minisign -G"
        )
    body = raw[54:]
    if raw[2:4] == SCRYPT:
        body = _decrypted(body, password().encode(), raw[6:38], raw[38:46], raw[46:54])
    key_id, secret, checksum = body[:8], body[8:72], body[72:]
    expected = hashlib.blake2b(ALGORITHM + key_id + secret, digest_size=32).digest()
    if raw[2:4] == SCRYPT and not hmac.compare_digest(checksum, expected):
        raise SignatureError(f"{path}: expected the password of the key, found another one — try again")
    return SecretKey(key_id, secret[:32])


def read_public_key(text_or_path: str) -> PublicKey:
    """Read a public key: the line itself, or the file that holds it.

    Raises:
        SignatureError: it is none.
        OSError: the file cannot be read.
    """
    path = Path(text_or_path)
    line = _second_line(path.read_bytes()) if path.is_file() else text_or_path
    raw = _decoded(line, PUBLIC_BYTES, "a public key of minisign, or a file that holds one")
    if raw[:2] != ALGORITHM:
        raise SignatureError(f"{text_or_path}: expected a public key of minisign, found another algorithm")
    return PublicKey(raw[2:10], raw[10:])


def public_key(secret: SecretKey) -> PublicKey:
    """Return the public key that belongs to a secret one."""
    return PublicKey(secret.key_id, _private(secret).public_key().public_bytes_raw())


def sign(content: bytes, secret: SecretKey, comment: str) -> str:
    """Return the signature file of some content; `comment` is signed with it.

    Nothing of it depends on the time, so that the same content and key make the same bytes.
    """
    private = _private(secret)
    signature = private.sign(hashlib.blake2b(content).digest())
    whole = private.sign(signature + comment.encode())
    lines = [
        f"{UNTRUSTED}signature of a submission package; check it with minisign -V",
        base64.b64encode(PREHASHED + secret.key_id + signature).decode(),
        f"{TRUSTED}{comment}",
        base64.b64encode(whole).decode(),
    ]
    return "".join(f"{line}\n" for line in lines)


def read_signature(content: bytes) -> Signature:
    """Read a signature file.

    Raises:
        SignatureError: it is none.
    """
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError:
        raise SignatureError("expected four lines of text, found other bytes") from None
    if len(lines) != 4 or not lines[0].startswith(UNTRUSTED) or not lines[2].startswith(TRUSTED):
        raise SignatureError("expected the four lines of a minisign signature, found others")
    raw = _decoded(lines[1], SIGNATURE_BYTES, "a signature of minisign")
    if raw[:2] != PREHASHED:
        raise SignatureError(
            "expected a signature of the hashed kind, found another kind — sign with minisign 0.10 or later"
        )
    whole = _decoded(lines[3], GLOBAL_BYTES, "a signature of the comment")
    return Signature(raw[2:10], raw[10:], lines[2].removeprefix(TRUSTED), whole)


def verify(content: bytes, signature: Signature, key: PublicKey) -> None:
    """Hold a signature to the content and to a key.

    Raises:
        SignatureError: it does not fit.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if signature.key_id != key.key_id:
        raise SignatureError(
            f"expected key {key.key_id[::-1].hex().upper()}, found {signature.key_id[::-1].hex().upper()}"
        )
    public = Ed25519PublicKey.from_public_bytes(key.key)
    try:
        public.verify(signature.signature, hashlib.blake2b(content).digest())
    except InvalidSignature:
        raise SignatureError("expected the signature of these bytes, found that of others") from None
    try:
        public.verify(signature.global_signature, signature.signature + signature.comment.encode())
    except InvalidSignature:
        raise SignatureError("expected the comment that was signed, found another one") from None


def _private(secret: SecretKey):  # type: ignore[no-untyped-def] # the library is loaded only here
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(secret.seed)


def _second_line(content: bytes) -> str:
    lines = content[:LARGEST_KEY_BYTES].decode("utf-8", "replace").splitlines()
    return lines[1] if len(lines) > 1 else ""


def _decoded(text: str, length: int, what: str) -> bytes:
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != length:
        raise SignatureError(f"expected {what}, found {'nothing of the kind' if not raw else f'{len(raw)} bytes'}")
    return raw


def _decrypted(body: bytes, password: bytes, salt: bytes, operations: bytes, memory: bytes) -> bytes:
    power, parallel = _scrypt_parameters(int.from_bytes(operations, "little"), int.from_bytes(memory, "little"))
    if 128 * 8 * (1 << power) > MOST_MEMORY_BYTES // 2 + 1:
        raise SignatureError("expected a key that 1 GiB of memory can open, found one that needs more")
    stream = hashlib.scrypt(
        password, salt=salt, n=1 << power, r=8, p=parallel, maxmem=MOST_MEMORY_BYTES - 1, dklen=len(body)
    )
    return bytes(left ^ right for left, right in zip(body, stream, strict=True))


def _scrypt_parameters(operations: int, memory_bytes: int) -> tuple[int, int]:
    """Return log2 of N and p, for r = 8, as libsodium picks them."""
    operations = max(operations, LEAST_OPERATIONS)
    if operations < memory_bytes // 32:
        return _power(operations // 32), 1
    power = _power(memory_bytes // 1024)
    return power, max(1, min((operations // 4) >> power, 0x3FFFFFFF) // 8)


def _power(most: int) -> int:
    power = 1
    while power < 63 and 1 << power <= most // 2:
        power += 1
    return power
