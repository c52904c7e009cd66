"""Logging in at an SFTP server: its host key is pinned, without exception; and what its troubles mean to us."""

from __future__ import annotations

import base64
import binascii
import errno
import io
from collections.abc import Iterator
from contextlib import contextmanager

import paramiko
from paramiko.pkey import UnknownKeyType

from rostersync.exceptions import ConfigurationError, HostKeyChanged, SourceRefused, SourceUnreachable
from rostersync.transports.credentials import SftpCredentials

CONNECT_SECONDS = 20.0


def trust_pinned_key(ssh: paramiko.SSHClient, credentials: SftpCredentials) -> None:
    """Believe the one host key of the configuration. Raises ConfigurationError when it is none."""
    pinned = _pinned(credentials)
    name = credentials.host if credentials.port == 22 else f"[{credentials.host}]:{credentials.port}"
    ssh.get_host_keys().add(name, pinned.get_name(), pinned)
    ssh.set_missing_host_key_policy(_Refuse(pinned))


def log_in(ssh: paramiko.SSHClient, credentials: SftpCredentials) -> None:
    """Log in. Only what the configuration says is tried: no agent, no keys lying about."""
    ssh.connect(
        credentials.host,
        port=credentials.port,
        username=credentials.user,
        password=credentials.password,
        pkey=_private_key(credentials),
        timeout=CONNECT_SECONDS,
        banner_timeout=CONNECT_SECONDS,
        auth_timeout=CONNECT_SECONDS,
        channel_timeout=CONNECT_SECONDS,
        allow_agent=False,
        look_for_keys=False,
    )


def _pinned(credentials: SftpCredentials) -> paramiko.PKey:
    kind, _, rest = credentials.host_key.strip().partition(" ")
    try:
        return paramiko.PKey.from_type_string(kind, base64.b64decode(rest.split()[0], validate=True))
    except (paramiko.SSHException, UnknownKeyType, binascii.Error, IndexError, ValueError, EOFError):
        raise ConfigurationError("host_key of an SFTP connection must be a public key: ssh-ed25519 AAAA…") from None


def _private_key(credentials: SftpCredentials) -> paramiko.PKey | None:
    if credentials.private_key is None:
        return None
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(credentials.private_key), credentials.passphrase)
        except (paramiko.SSHException, ValueError):
            continue
    raise ConfigurationError("private_key of an SFTP connection is no usable key, or its passphrase is wrong.")


class _Refuse(paramiko.MissingHostKeyPolicy):
    """A server without a key of the pinned kind shows another key: that is a change, too."""

    def __init__(self, pinned: paramiko.PKey) -> None:
        self._pinned = pinned

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002 - paramiko's signature
        raise _changed(self._pinned, key)


def _changed(pinned: paramiko.PKey, shown: paramiko.PKey) -> HostKeyChanged:
    return HostKeyChanged(f"The server showed {shown.fingerprint}; pinned is {pinned.fingerprint}.")


@contextmanager
def source_errors(what: str) -> Iterator[None]:
    """paramiko's and the network's errors as ours: SourceRefused, HostKeyChanged (who must act), SourceUnreachable."""
    try:
        yield
    except paramiko.BadHostKeyException as error:
        raise _changed(error.expected_key, error.key) from None
    except paramiko.AuthenticationException:
        raise SourceRefused("The server refused the login.") from None
    except FileNotFoundError:
        raise SourceRefused(f"{what} is not there.") from None
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            raise SourceRefused(f"{what} may not be read or changed.") from None
        raise SourceUnreachable(f"{what} cannot be reached ({type(error).__name__}).") from None
    except (paramiko.SSHException, EOFError) as error:
        raise SourceUnreachable(f"{what} broke the connection off ({type(error).__name__}).") from None
