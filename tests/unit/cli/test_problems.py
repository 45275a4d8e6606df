"""Refusals of the server, in words."""

from __future__ import annotations

import json

from protea_cli.problems import describe_problem, read_problem


def test_a_problem_is_told_by_its_detail() -> None:
    body = json.dumps({"type": "/problems/not-found", "title": "Gone.", "status": 404, "detail": "There is no job 1."})

    assert describe_problem(404, body.encode()) == "There is no job 1."


def test_without_a_detail_each_field_at_fault_has_its_line() -> None:
    errors = [{"field": "limit_per_entry", "message": "at most 100"}, {"field": "name", "message": "missing"}]

    told = describe_problem(422, json.dumps({"title": "Invalid request", "errors": errors}).encode())

    assert told.splitlines() == ["Invalid request", "  limit_per_entry: at most 100", "  name: missing"]


def test_a_proxy_s_page_is_shown_in_part() -> None:
    told = describe_problem(502, b"<html>\n<title>Bad\tGateway</title>" + b"x" * 5_000)

    assert told.startswith("the server answered 502 Bad Gateway: <html> <title>Bad Gateway</title>xxx")
    assert len(told) < 300


def test_an_empty_answer_with_an_unknown_status_still_says_something() -> None:
    assert describe_problem(599, b"") == "the server answered 599"


def test_who_is_not_known_is_told_about_keys() -> None:
    assert "--api-key" in describe_problem(401, b'{"title": "Authentication required"}')


def test_what_is_no_object_is_no_problem_document() -> None:
    assert read_problem(b"[1, 2]") == {}
    assert read_problem(b"\xff") == {}
