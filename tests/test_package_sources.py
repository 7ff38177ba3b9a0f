"""docs/settings.md, entry by entry: what pip and uv are told of a user's settings, and what not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import package_sources, setup

COURSE = Path(__file__).resolve().parent.parent
PAGE = (COURSE / "docs/settings.md").read_text()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A file system with a user's home in it."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def told(home: Path, **environ: str) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """The environments of pip and of uv, without what is always there, and uv's options."""
    given = {"HOME": str(home), "PATH": "/bin"} | environ
    pip = package_sources.for_pip(given, home.parent)
    uv, options = package_sources.for_uv(given, home.parent)
    assert pip.pop("PIP_CONFIG_FILE") == os.devnull
    assert uv.pop("UV_NO_CONFIG") == "1"
    for environment in (pip, uv):
        assert environment.pop("HOME") == str(home)
        assert environment.pop("PATH") == "/bin"
        environment.pop("XDG_CONFIG_HOME", None)
    return pip, uv, options


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


DEFAULT = {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_SYSTEM_CERTS": "true"}
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy")
# pip's name, a value, what uv is told.
HONOURED = [
    ("index-url", "https://ana:pw@a/simple", {"UV_DEFAULT_INDEX": "https://ana:pw@a/simple"}),
    ("extra-index-url", "https://a/s https://b/s", {"UV_INDEX": "https://a/s https://b/s"}),
    ("find-links", "https://a/x,y", {"UV_FIND_LINKS": "https://a/x%2Cy"}),
    ("trusted-host", "a b:81", {"UV_INSECURE_HOST": "a b:81"}),
    ("cert", "/no/such/ca.pem", {"SSL_CERT_FILE": "/no/such/ca.pem"}),
    ("client-cert", "/me.pem", {"SSL_CLIENT_CERT": "/me.pem"}),
    ("proxy", "http://p:3128", dict.fromkeys(PROXIES, "http://p:3128")),
    ("timeout", "30.5", {"UV_HTTP_TIMEOUT": "30"}),
    ("retries", "7", {"UV_HTTP_RETRIES": "7"}),
    ("keyring-provider", "subprocess", {}),
    ("cache-dir", "/cache", {}),
]
EACH = pytest.mark.parametrize(("name", "value", "for_uv"), HONOURED, ids=lambda x: str(x)[:16])


def variable(name: str) -> str:
    return f"PIP_{name.upper().replace('-', '_')}"


def test_nothing_said_is_nothing_told(home):
    assert told(home) == ({}, DEFAULT, [])


@EACH
def test_what_pip_s_variables_say_is_told_to_both(home, name, value, for_uv):
    pip, uv, options = told(home, **{variable(name): value})
    assert (pip, uv, options) == ({variable(name): value}, DEFAULT | for_uv, [])


@EACH
def test_what_pip_conf_says_is_told_to_both(home, name, value, for_uv):
    lines = "\n    ".join(["", *value.split()]) if name == "extra-index-url" else value
    write(home / ".config/pip/pip.conf", f"[global]\n{name} = {lines}\n")
    pip, uv, options = told(home)
    assert (pip, uv, options) == ({variable(name): value}, DEFAULT | for_uv, [])


def test_no_index_is_an_option_of_uv_for_it_has_no_variable(home):
    assert told(home, PIP_NO_INDEX="1") == ({"PIP_NO_INDEX": "1"}, DEFAULT, ["--no-index"])
    assert told(home, PIP_NO_INDEX="false")[2] == []


def test_the_other_words_for_a_timeout(home):
    assert told(home, PIP_DEFAULT_TIMEOUT="180")[1]["UV_HTTP_TIMEOUT"] == "180"
    write(home / ".pip/pip.conf", "[global]\ndefault-timeout = 90\n")
    assert told(home)[0] == {"PIP_TIMEOUT": "90"}


def test_pip_s_files_from_the_weakest_to_the_strongest(home):
    root = home.parent
    own = home / "own/pip/pip.conf"
    files = [root / "etc/xdg/pip/pip.conf", root / "etc/pip.conf", home / ".pip/pip.conf", own]
    for number, file in enumerate(files):
        write(file, f"[global]\nindex-url = https://{number}/\n")
        assert told(home, XDG_CONFIG_HOME=str(home / "own"))[0] == {
            "PIP_INDEX_URL": f"https://{number}/"
        }
    write(own, "[global]\nindex-url = https://general/\n[install]\nindex_url = https://install/\n")
    given = {"XDG_CONFIG_HOME": str(home / "own")}
    assert told(home, **given)[0] == {"PIP_INDEX_URL": "https://install/"}
    given["PIP_INDEX_URL"] = "https://variable/"
    assert told(home, **given)[0] == {"PIP_INDEX_URL": "https://variable/"}


def test_the_file_that_pip_config_file_names(home):
    write(home.parent / "etc/pip.conf", "[global]\nproxy = http://p\n")
    write(home / ".config/pip/pip.conf", "[global]\nindex-url = https://user/\n")
    write(home / "named.conf", "[global]\nindex-url = https://named/\n")
    pip = told(home, PIP_CONFIG_FILE=str(home / "named.conf"))[0]
    assert pip == {"PIP_INDEX_URL": "https://named/", "PIP_PROXY": "http://p"}
    assert told(home, PIP_CONFIG_FILE=os.devnull)[0] == {}


UVS = [
    ("UV_DEFAULT_INDEX", "https://a/s", {"PIP_INDEX_URL": "https://a/s"}),
    ("UV_INDEX_URL", "https://a/s", {"PIP_INDEX_URL": "https://a/s"}),
    ("UV_INDEX", "https://a/s https://b/s", {"PIP_EXTRA_INDEX_URL": "https://a/s https://b/s"}),
    ("UV_EXTRA_INDEX_URL", "https://a/s", {"PIP_EXTRA_INDEX_URL": "https://a/s"}),
    ("UV_FIND_LINKS", "https://a/,https://b/", {"PIP_FIND_LINKS": "https://a/ https://b/"}),
    ("UV_INSECURE_HOST", "a b:81", {"PIP_TRUSTED_HOST": "a b:81"}),
    ("SSL_CLIENT_CERT", "/me.pem", {"PIP_CLIENT_CERT": "/me.pem", "SSL_CLIENT_CERT": "/me.pem"}),
    ("UV_HTTP_TIMEOUT", "30", {"PIP_TIMEOUT": "30"}),
    ("UV_HTTP_RETRIES", "7", {"PIP_RETRIES": "7"}),
    ("UV_OFFLINE", "1", {"PIP_NO_INDEX": "1"}),
    ("UV_KEYRING_PROVIDER", "subprocess", {}),
    ("UV_CACHE_DIR", "/cache", {}),
    ("UV_INDEX_STRATEGY", "first-index", {}),
    ("UV_SYSTEM_CERTS", "false", {}),
    ("UV_NATIVE_TLS", "false", {}),
]
SAME = {
    "UV_INDEX_URL": "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL": "UV_INDEX",
    "UV_NATIVE_TLS": "UV_SYSTEM_CERTS",
}


@pytest.mark.parametrize(("name", "value", "for_pip"), UVS, ids=lambda x: str(x)[:18])
def test_what_uv_s_variables_say_is_told_to_both(home, name, value, for_pip):
    pip, uv, options = told(home, **{name: value})
    assert (pip, uv, options) == (for_pip, DEFAULT | {SAME.get(name, name): value}, [])


CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.mark.parametrize("name", CERTIFICATES)
def test_certificates_that_all_programs_are_told_of(home, name):
    place = home / "certificates"
    place.mkdir() if name == "SSL_CERT_DIR" else place.touch()
    pip, uv, _ = told(home, **{name: str(place)})
    assert pip == {name: str(place), "PIP_CERT": str(place)}
    kind = "SSL_CERT_DIR" if name == "SSL_CERT_DIR" else "SSL_CERT_FILE"
    assert uv == DEFAULT | {name: str(place), kind: str(place)}
    pip, uv, _ = told(home, **{name: str(place), "PIP_CERT": "/pip.pem"})
    assert (pip["PIP_CERT"], uv["SSL_CERT_FILE"]) == ("/pip.pem", "/pip.pem")


@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY", "ALL_PROXY", "no_proxy", "NETRC"])
def test_what_both_look_at_themselves_stays(home, name):
    assert told(home, **{name: "x"}) == ({name: "x"}, DEFAULT | {name: "x"}, [])


TOML = """
index-strategy = "first-index"
native-tls = false
find-links = ["https://links/"]
allow-insecure-host = ["a", "b"]
compile-bytecode = true
[[index]]
name = "corporate"
url = "https://corporate/simple"
default = true
[[index]]
url = "https://more/simple"
[[index]]
name = "torch"
url = "https://for-torch-alone/simple"
explicit = true
[pip]
no-index = true
target = "/elsewhere"
"""


def test_what_uv_toml_says_is_told_to_both(home):
    write(home / ".config/uv/uv.toml", TOML)
    pip, uv, options = told(home)
    assert pip == {
        "PIP_INDEX_URL": "https://corporate/simple",
        "PIP_EXTRA_INDEX_URL": "https://more/simple",
        "PIP_FIND_LINKS": "https://links/",
        "PIP_TRUSTED_HOST": "a b",
        "PIP_NO_INDEX": "true",
    }
    assert uv == {
        "UV_DEFAULT_INDEX": "corporate=https://corporate/simple",
        "UV_INDEX": "https://more/simple",
        "UV_FIND_LINKS": "https://links/",
        "UV_INSECURE_HOST": "a b",
        "UV_INDEX_STRATEGY": "first-index",
        "UV_SYSTEM_CERTS": "false",
    }
    assert options == ["--no-index"]


def test_uv_s_files_from_the_strongest_to_the_weakest(home):
    root = home.parent
    write(root / "etc/uv/uv.toml", 'index-url = "https://etc/"\n')
    assert told(home)[0] == {"PIP_INDEX_URL": "https://etc/"}
    write(root / "etc/xdg/uv/uv.toml", 'index-url = "https://xdg/"\n')
    assert told(home)[0] == {"PIP_INDEX_URL": "https://xdg/"}
    write(home / ".config/uv/uv.toml", 'index-url = "https://user/"\n')
    assert told(home)[0] == {"PIP_INDEX_URL": "https://user/"}
    write(home / "named.toml", 'index-url = "https://named/"\n')
    named = {"UV_CONFIG_FILE": str(home / "named.toml")}
    assert told(home, **named)[0] == {"PIP_INDEX_URL": "https://named/"}
    assert told(home, UV_NO_CONFIG="1")[0] == {}


def test_a_named_index_with_a_password(home):
    given = {
        "UV_INDEX": "in-house=https://host/simple",
        "UV_INDEX_IN_HOUSE_USERNAME": "ana",
        "UV_INDEX_IN_HOUSE_PASSWORD": "p@ss",
    }
    pip, uv, _ = told(home, **given)
    assert pip["PIP_EXTRA_INDEX_URL"] == "https://ana:p%40ss@host/simple"
    assert uv == DEFAULT | given


def test_uv_s_own_settings_are_stronger_than_pip_s(home):
    write(home / ".config/pip/pip.conf", "[global]\nindex-url = https://pip/\nproxy = http://p\n")
    pip, uv, _ = told(home, UV_INDEX_URL="https://uv/")
    assert pip == {"PIP_INDEX_URL": "https://uv/", "PIP_PROXY": "http://p"}
    assert uv["UV_DEFAULT_INDEX"] == "https://uv/"


def test_a_local_folder_is_a_url_for_uv(home):
    wheels = home / "my wheels, größer"
    wheels.mkdir()
    write(home / ".config/uv/uv.toml", f'find-links = ["{wheels}"]\n')
    pip, uv, _ = told(home)
    assert uv["UV_FIND_LINKS"] == pip["PIP_FIND_LINKS"] == wheels.as_uri()
    assert not {",", " "} & set(uv["UV_FIND_LINKS"])


NOT_HONOURED = (
    *("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON"),
    *("PIP_REQUIRE_VIRTUALENV", "PIP_REQUIRE_HASHES", "PIP_CONSTRAINT", "PIP_NO_DEPS"),
    *("PIP_NO_BINARY", "PIP_PRE", "PIP_DRY_RUN", "PIP_NO_CACHE_DIR", "PIP_QUIET"),
    *("UV_SYSTEM_PYTHON", "UV_PYTHON", "UV_PROJECT", "UV_PROJECT_ENVIRONMENT", "UV_WORKING_DIR"),
    *("UV_CONSTRAINT", "UV_OVERRIDE", "UV_REQUIRE_HASHES", "UV_RESOLUTION", "UV_PRERELEASE"),
    *("UV_EXCLUDE_NEWER", "UV_NO_CACHE", "UV_LINK_MODE", "UV_COMPILE_BYTECODE", "UV_NO_BUILD"),
    *("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "PYTHONUSERBASE", "VIRTUAL_ENV"),
)


@pytest.mark.parametrize("name", NOT_HONOURED)
def test_what_says_how_or_whereto_is_told_to_nobody(home, name):
    write(home / ".config/pip/pip.conf", f"[global]\n{name[4:].lower()} = 1\n")
    assert told(home, **{name: "1"}) == ({}, DEFAULT, [])


def test_a_file_that_is_no_toml_is_an_error(home):
    write(home / ".config/uv/uv.toml", "index-url =")
    with pytest.raises(ValueError, match="uv.toml: Invalid value"):
        told(home)


OLD_PYTHON = """
import sys, types
from pathlib import Path
from tools import package_sources
package_sources.sys = types.SimpleNamespace(version_info=(3, 10), path=sys.path)
print(package_sources.read_toml(Path("pyproject.toml"), Path(sys.argv[1]))["project"]["name"])
"""


def test_python_3_10_reads_toml_with_the_pip_that_it_brings_along():
    """-S: with no package at all, as the system's Python may be."""
    command = [sys._base_executable, "-S", "-c", OLD_PYTHON, setup.pip_wheel()]
    result = subprocess.run(command, cwd=COURSE, capture_output=True, text=True)
    assert result.stdout == "packet-tracing-with-bpf\n", result.stderr


def test_the_page_lists_every_setting_and_no_other():
    listed = set(re.findall(r"`((?:PIP|UV|PYTHON|SSL|REQUESTS|CURL|VIRTUAL)_?[A-Z_]+)`", PAGE))
    tried = {variable(name) for name, *_ in HONOURED} | {name for name, *_ in UVS}
    tried |= {"PIP_NO_INDEX", "PIP_DEFAULT_TIMEOUT", "PIP_CONFIG_FILE"}
    tried |= {"UV_CONFIG_FILE", "UV_NO_CONFIG", *CERTIFICATES, *NOT_HONOURED}
    assert listed == tried | {"PYTHONDONTWRITEBYTECODE"}  # test_course.py has the last one
