"""The preview file: what is accepted comes out whole, what is refused is told with file and line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from controller.api.errors import InvalidSpec
from controller.api.preview_file import PreviewFile, parse_preview_file

FILES = Path(__file__).parent / "files"


def parse(text: str) -> PreviewFile:
    return parse_preview_file(text.encode(), "preview.yaml")


def refusal(text: str | bytes) -> InvalidSpec:
    content = text.encode() if isinstance(text, str) else text
    with pytest.raises(InvalidSpec) as caught:
        parse_preview_file(content, "preview.yaml")
    assert caught.value.reason == "PreviewFileInvalid"
    return caught.value


@pytest.mark.parametrize("name", sorted(path.stem for path in FILES.glob("*.in.yaml")))
def test_a_file_comes_out_as_its_golden_twin(name: str) -> None:
    stem = name.removesuffix(".in")
    parsed = parse((FILES / f"{name}.yaml").read_text())
    found = parsed.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    assert found == yaml.safe_load((FILES / f"{stem}.out.yaml").read_text())


@pytest.mark.parametrize("path", sorted(FILES.glob("*.wrong.yaml")), ids=lambda path: path.name)
def test_every_mistake_of_a_file_is_told_with_its_line(path: Path) -> None:
    content = path.read_bytes()
    error = refusal(content)
    told = error.lines or (error.message,)
    lines = enumerate(content.decode().splitlines(), start=1)
    expected = [
        f"preview.yaml:{number}: {line.partition('#! ')[2]}" for number, line in lines if "#! " in line
    ]
    assert list(told) == expected
    assert error.message.startswith(expected[0])


def test_env_values_stay_as_they_are_written() -> None:
    service = parse(
        "services: {web: {env: {A: 012, B: yes, C: 1.50, D: '', E: 1e3, F: 2024-01-01}}}"
    ).services[0]
    assert {item.name: item.value for item in service.env} == {
        "A": "012",
        "B": "yes",
        "C": "1.50",
        "D": "",
        "E": "1e3",
        "F": "2024-01-01",
    }


def test_a_service_without_anything_is_built_from_the_root() -> None:
    service = parse("services:\n  web:\n").services[0]
    assert service.build is not None
    assert (service.build.context, service.build.dockerfile) == (".", "Dockerfile")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("services: {web: {image: x, dockerfile: Dockerfile}}", "give either image or dockerfile, not both"),
        ("services: {web: {image: x, target: y, buildArgs: {A: b}}}", "image or target and buildArgs"),
        ("services: {web: {port: 0}}", "services.web.port: must be at least 1"),
        ("services: {web: {port: http}}", "services.web.port: must be a whole number"),
        ("services: {web: {public: maybe}}", "services.web.public: must be true or false"),
        ("services: {web: {command: npm start}}", "services.web.command: must be a list"),
        ("services: {web: {env: {A: [b]}}}", "services.web.env.A: must be a text"),
        ("services: {web: {env: {A: }}}", "services.web.env.A: has no value; '' is an empty one"),
        ("services: {web: {env: {1A: b}}}", "services.web.env: '1A' must be letters"),
        ("services: {web: {resources: {cpu: lots}}}", "services.web.resources.cpu: must be an amount of CPU"),
        (
            "services: {web: {resources: {memory: 1Mi}}}",
            "services.web.resources.memory: must be at least 6Mi",
        ),
        ("services: {web: {healthCheck: {}}}", "services.web.healthCheck: path is missing"),
        ("services: {web: {healthCheck: {path: healthz}}}", "a URL that starts with '/'"),
        ("services: {database: {}}", "'database' must not be 'database' or 'preview'"),
        ("services: {x-internal: {}}", "its variables would mean two things"),
        ("services: {Web: {}}", "services: 'Web' must be lower case"),
        ("services: {web: {image: previewcloud/a:1}}", "those are built by the platform"),
        ("services: {web: {image: index.docker.io/previewcloud/a}}", "those are built by the platform"),
        ("services: {web: {image: '--privileged'}}", "must be an image such as"),
        ("services: {}", "services: must hold entries, at least 1"),
        ("database: {type: postgres}", "services is missing"),
        ("services: {web: }\ndatabase: {type: postgress}", "database.type: must be 'postgres', 'mysql' or"),
        ("services: {web: }\npassword: ''", "password: must not be empty"),
        ("services: {web: }\npreviewcloud: {paths: {include: [/a]}}", "must be a pattern"),
        ("services: {web: {env: {A: '${PR_NUMBR}'}}}", "'PR_NUMBR'; did you mean 'PR_NUMBER'?"),
        ("services: {web: {public: false}, b: {env: {A: '${WEB_URL}'}}}", "unknown reference 'WEB_URL'"),
        ("services: {web: {env: {A: 'x${'}}}", "a '${' is not closed"),
        ("services: {web: {buildArgs: {A: '${DATABASE_URL}'}}}", "holds a secret"),
        (
            "services: {web: {buildArgs: {A: '${WEB_INTERNAL_URL}'}}}",
            "only when that service has a port here",
        ),
        ("services: {web: {dependsOn: [wep]}}", "there is no service 'wep'; did you mean 'web'?"),
        ("services: {web: {dependsOn: [web]}}", "'web' waits for itself"),
        ("services: {a: {dependsOn: [b]}, b: {dependsOn: [a]}}", "wait for each other: a -> b -> a"),
        ("[web]", "must be a mapping with the key services"),
        ("", "must be a mapping with the key services"),
        ("a: &x {}\nb: *x", "anchors and aliases are not accepted"),
        ("a: !!python/object/apply:os.system [ls]", "tags are not accepted"),
        ("a: 1\n---\nb: 2", "a second document"),
        ("a: 1\na: 2", "preview.yaml:2: 'a' stands here a second time (first in line 1)"),
        ("[a]: 1", "a key must be a text"),
        ("a: b: c", "not YAML"),
        ("a: [", "not YAML"),
        ("[" * 20 + "]" * 20, "deeper than 16 levels"),
        ("a: \x07", "a control character (0x07)"),
    ],
)
def test_a_mistake_is_refused_with_a_sentence(text: str, says: str) -> None:
    assert says in refusal(text).message


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "a\\b", "a\\u0000b", "a\\nb", ""])
@pytest.mark.parametrize(
    "form",
    [
        'services: {web: {context: "%s"}}',
        'services: {web: {dockerfile: "%s"}}',
        'services: {web: }\ndatabase: {type: postgres, migrations: "%s"}',
        'services: {web: }\ndatabase: {type: postgres, seed: "%s"}',
    ],
)
def test_a_path_never_leaves_the_repository(form: str, path: str) -> None:
    message = refusal(form % path.replace("a\\b", "a\\\\b")).message
    assert "must be a path inside the repository" in message or "must not be empty" in message


def test_references_that_exist_are_accepted() -> None:
    parsed = parse(
        "services:\n"
        "  web: {port: 80, buildArgs: {U: '${WEB_URL}', I: '${WEB_INTERNAL_URL}'}}\n"
        "  rows: {env: {D: '${DATABASE_URL}'}}\n"
        "  my-api: {public: false, env: {A: '${MY_API_INTERNAL_URL} $${HOME} $$ ${SERVICE_NAME}'}}\n"
        "env: {P: '${PREVIEW_URL}'}\n"
    )
    assert [service.name for service in parsed.services] == ["web", "rows", "my-api"]


def test_a_large_file_is_refused_unread() -> None:
    assert "larger than 262144 bytes" in refusal(b"#" * (256 * 1024 + 1)).message
    with pytest.raises(InvalidSpec, match="larger than 10 bytes"):
        parse_preview_file(b"services: {web: {}}", "preview.yaml", max_bytes=10)


def test_other_encodings_are_refused_and_a_byte_order_mark_is_not() -> None:
    assert refusal("services: {web: }".encode("utf-16")).message.endswith("not UTF-8")
    assert parse_preview_file(b"\xef\xbb\xbfservices: {web: }", "preview.yaml").services[0].name == "web"


def test_the_password_shows_up_neither_in_the_file_nor_in_a_refusal() -> None:
    assert "hunter2" not in repr(parse("services: {web: }\npassword: hunter2"))
    error = refusal("services: {web: }\npassword: [hunter2]")
    assert "hunter2" not in f"{error} {error.lines}"


def test_hostile_names_cannot_write_to_a_terminal() -> None:
    message = refusal('services: {web: {"\\e[31m\\u202e": 1}}').message
    assert message.isascii() and message.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "[" * 250_000,
        "{a: " * 60_000,
        "- " * 100_000,
        "? " * 100_000,
        "".join(f"prt{number}: \n" for number in range(20_000)),
        "services: {web: {env: {A: '" + "${a}" * 8_000 + "'}}}",
        "services: {web: }\nenv:\n" + "".join(f" A{number}: ${{B{number}}}\n" for number in range(250)),
    ],
    ids=lambda text: text[:20],
)
def test_a_deep_or_wide_file_costs_little(text: str) -> None:
    began = time.process_time()
    refusal(text)
    assert time.process_time() - began < 2


YAMLISH = st.text(alphabet="abAZ01 \n\t:-[]{},&*!|>'\"#%@`?~$\\\x00\x85é", max_size=200)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["services", "web", "env", "database", "type", "port", "dependsOn", "A", "previewcloud"]
            )
            | st.text(max_size=8),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


def only_invalid_spec(content: bytes) -> None:
    try:
        parse_preview_file(content, "preview.yaml")
    except InvalidSpec as error:
        assert error.reason == "PreviewFileInvalid"
        assert error.message.startswith("preview.yaml:")


@given(st.binary(max_size=300))
@example(b"\xff\xfe")
def test_bytes_never_raise_anything_else(content: bytes) -> None:
    only_invalid_spec(content)


@given(YAMLISH)
def test_texts_never_raise_anything_else(text: str) -> None:
    only_invalid_spec(text.encode())


@given(TREES)
def test_trees_never_raise_anything_else(tree: object) -> None:
    only_invalid_spec(yaml.safe_dump(tree, allow_unicode=True).encode("utf-8", "surrogatepass"))
    only_invalid_spec(yaml.safe_dump({"services": tree}).encode())
