"""What a Dockerfile may not ask of the engine itself."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from controller.api.errors import InvalidSpec
from controller.build.dockerfile import check_dockerfile

FINE = [
    "FROM debian\nADD app.tar.gz /app\n",
    "# syntax=docker/dockerfile:1\nFROM debian AS base\nFROM base\nCOPY --from=base /a /b\n",
    "# syntax=docker.io/docker/dockerfile:1.7\nFROM registry.acme.example:5000/base:1\n",
    "ARG BASE=debian\nARG TAG\nFROM ${BASE}:${TAG:-12}\n",
    "FROM debian\nRUN curl http://example.com/x | sh\n",
    "FROM debian\nRUN <<EOF\nselect 1 FROM $table\nADDRESS http://127.0.0.1/\nEOF\nCOPY . .\n",
    "FROM debian\n# ADD http://example.com/x /x\nRUN true \\\n # a comment\n && true\n",
    "FROM debian\nRUN --mount=type=cache,target=/c --mount=type=bind,from=golang,target=/g true\n",
    "FROM alpine/git\n",
    "FROM debian\nADD --chown=a:b dist/app-${VERSION}.tar.gz a/$B ./c /app/\n",
    "FROM debian\nADD a.txt \\\n  b.txt \\\n  /app/\n",
    'FROM debian\nADD ["a file.txt", "/x"]\n',
    "FROM debian\nENV ADD=http://x\nRUN add http://x\n",
    "# syntax=docker.io/docker/dockerfile:1.7-labs@sha256:" + "a" * 64 + "\nFROM x",
    "FROM --platform=$BUILDPLATFORM golang:1 AS build-${TARGETARCH}\nFROM base-${TARGETARCH}\n",
]
REFUSED = [
    ("FROM debian\nADD http://127.0.0.1:8080/x /x\n", "line 2"),
    ("FROM debian\nadd --checksum=sha256:00 HTTPS://example.com/x /x\n", "line 2"),
    ("FROM debian\nADD \\\n  http://10.0.0.1/x \\\n  /x\n", "line 2"),
    ('FROM debian\nADD ["http://10.0.0.1/x", "/x"]\n', "line 2"),
    ("ARG URL=http://10.0.0.1\nFROM debian\nARG URL\nADD $URL/x /x\n", "line 4"),
    ("FROM debian\nADD git@github.com:acme/shop.git /x\n", "line 2"),
    ("FROM debian\nADD https://github.com/acme/shop.git#main /x\n", "line 2"),
    ("FROM debian\nONBUILD ADD http://127.0.0.1/x /x\n", "line 2"),
    ("# escape=`\nFROM debian\nADD `\nhttp://10.0.0.1/x /x\n", "line 3"),
    ('FROM debian\nRUN echo "<<EOF"\nADD http://127.0.0.1/x /x\n', "line 3"),
    ("FROM debian\nRUN true <<EOF\nADD http://127.0.0.1/x /x\nEOF\n", "line 3"),
    ("# syntax=evil/frontend:1\nFROM debian\n", "foreign frontend"),
    ("#syntax = evil.example/docker/dockerfile:1\nFROM debian\n", "foreign frontend"),
    ("#!/usr/bin/env docker\n# syntax=evil/frontend:1\nFROM debian\n", "foreign frontend"),
    ("// syntax=evil/frontend:1\n", "foreign frontend"),
    ('{"syntax": "evil/frontend:1"}', "foreign frontend"),
    ("FROM 127.0.0.1:5432/x\n", "own host"),
    ("FROM --platform=linux/amd64 localhost:80/x AS a\n", "own host"),
    ("FROM 2130706433:80/x\n", "own host"),
    ("ARG H=169.254.169.254\nFROM $H/latest/meta-data\n", "own host"),
    ("FROM debian\nCOPY --from=[::1]:80/x /a /b\n", "own host"),
    ("FROM debian\nRUN --mount=type=bind,from=127.0.0.1:1/x,target=/x true\n", "own host"),
    ("ARG A=x\nFROM ${A:+127.0.0.1}/x\n", "cannot be resolved"),
    ("ADD\thttp://127.0.0.1/x /x\n", "line 1"),
    ("ADD\x0chttp://127.0.0.1/x /x\n", "line 1"),
    ('ADD ["\\u0068ttp\\u003a//127.0.0.1/", "/x"]\n', "line 1"),
    ("ONBUILD ONBUILD ADD http://127.0.0.1/ /x\n", "line 1"),
    ("A\\\n# a comment\n\nDD http://127.0.0.1/ /x\n", "line 1"),
    ("# escape=`\nA`\nDD http://127.0.0.1/ /x\n", "line 2"),
    ("RUN echo \\\\\nADD \\\nhttp://127.0.0.1/ /x\n", "line 2"),
    ("RUN echo \\\\\nADD http://127.0.0.1/ /x\n", "line 2"),
    ('ADD h"tt"p://127.0.0.1/ /x\n', "line 1"),
    ("ADD 'http'://127.0.0.1/ /x\n", "line 1"),
    ("ADD h\\ttp://127.0.0.1/ /x\n", "line 1"),
    ("ARG P=ttp\nADD h${P}://127.0.0.1/ /x\n", "line 2"),
    ("ADD a@127.0.0.1:b /x\n", "line 1"),
    ("ADD github.com/acme/shop /x\n", "line 1"),
    ("# a=b\x0cc\n# syntax=evil/frontend\n", "foreign frontend"),
    ("#\n\n# syntax=evil/frontend\n", "foreign frontend"),
    ("# syntax=docker/dockerfile.evil\n", "foreign frontend"),
    ("#!/bin/x\n{}\n", "foreign frontend"),
    ("\ufeff# syntax=evil/frontend", "foreign frontend"),
    ("FROM\t127.0.0.1:80/x\n", "own host"),
    ("FR\\\nOM 127.0.0.1:80/x\n", "own host"),
    ('FROM 12"7.0.0.1":80/x\n', "cannot be resolved"),
    ('ARG H=12"7.0.0.1":80\nFROM $H/x\n', "own host"),
    ("ARG H=127.0.0.1:80/x\nFROM debian\nARG H=debian\nFROM $H\n", "own host"),
    ("ARG H=127.0.0.1:80\nARG I=$H/x\nFROM $I\n", "cannot be resolved"),
    ("FROM debian\nCOPY --from='127.0.0.1:80/x' /a /b\n", "own host"),
    ('FROM debian\nRUN --mount=type=bind,"from=127.0.0.1:1/x",target=/x true\n', "own host"),
]


@pytest.mark.parametrize("text", FINE)
def test_ordinary_dockerfiles_are_left_alone(text: str) -> None:
    check_dockerfile("web", text, {})


@pytest.mark.parametrize(("text", "said"), REFUSED)
def test_what_the_engine_would_fetch_for_the_author_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidSpec, match=said) as caught:
        check_dockerfile("web", text, {})
    assert caught.value.reason == "DockerfileRefused"


def test_arguments_decide_what_a_base_image_is() -> None:
    text = "ARG BASE=debian\nFROM $BASE\n"
    check_dockerfile("web", text, {"BASE": "alpine"})
    with pytest.raises(InvalidSpec, match="own host"):
        check_dockerfile("web", text, {"BASE": "127.0.0.1:1/x"})


@pytest.mark.parametrize("name", ["BUILDKIT_SYNTAX", "BUILDKIT_CACHE_MOUNT_NS", "buildkit_syntax"])
def test_the_builders_own_arguments_are_refused(name: str) -> None:
    with pytest.raises(InvalidSpec, match=name):
        check_dockerfile("web", "FROM debian\n", {name: "x"})


@given(st.text("AD dN\\\n`#\t'\"[]<", max_size=30), st.sampled_from(["", "\\\n", "\\\n#c\n", " "]))
def test_nothing_before_it_hides_an_add(before: str, gap: str) -> None:
    assume(not before.rstrip().endswith("\\"))  # then it would be no instruction
    with pytest.raises(InvalidSpec):
        check_dockerfile("web", f"{before}\nADD {gap}http://127.0.0.1/ /x", {})


@given(st.text(max_size=80))
def test_any_text_is_judged(text: str) -> None:
    try:
        check_dockerfile("web", text, {})
    except InvalidSpec as refused:
        assert refused.reason == "DockerfileRefused"
