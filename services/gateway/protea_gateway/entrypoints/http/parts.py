"""What handlers are given: the factory, the caller, and the page that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Query, Request

from protea_gateway.domain.callers import Caller
from protea_gateway.wiring import Factory

__all__ = ["GREATEST_ID", "CallerParameter", "FactoryParameter", "Page", "PageParameter"]

GREATEST_ID: Final = 2**63 - 1
"""Of the numbers that PostgreSQL gives to rows; a greater one in a request would be an error of the database."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list."""

    limit: int
    offset: int


def _factory(request: Request) -> Factory:
    factory: Factory = request.app.state.factory
    return factory


def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


FactoryParameter = Annotated[Factory, Depends(_factory)]
CallerParameter = Annotated[Caller, Depends(_caller)]


def _page(
    factory: FactoryParameter,
    limit: Annotated[int | None, Query(ge=1, le=500, description="Items at most.")] = None,
    offset: Annotated[int, Query(ge=0, le=10**9, description="Items passed over.")] = 0,
) -> Page:
    return Page(limit or factory.context.platform.settings.api.page_limit, offset)


PageParameter = Annotated[Page, Depends(_page)]
