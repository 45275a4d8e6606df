"""Running a service: the platform it stands on, its process, HTTP for health, and the drain at the end."""

from protea_common.runtime.http import AddressInUseError, serve_http
from protea_common.runtime.platform import BuildArtifactStore, Platform, open_platform
from protea_common.runtime.roles import Role, parse_role
from protea_common.runtime.service import BuildService, QueueConsumer, Service, health_checks, run_service, serve

__all__ = [
    "AddressInUseError",
    "BuildArtifactStore",
    "BuildService",
    "Platform",
    "QueueConsumer",
    "Role",
    "Service",
    "health_checks",
    "open_platform",
    "parse_role",
    "run_service",
    "serve",
    "serve_http",
]
