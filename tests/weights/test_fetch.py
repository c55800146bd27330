"""Weights at a URL: the file of the hash, or an error."""

import hashlib
import http.server
import os
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from keras import layers

from keras_mtl.applications import ModulatedEmbedding
from keras_mtl.towers import LeNet
from keras_mtl.weights import fetch, is_foreign, load_weights

# Its module, which a package's name hides behind the function's.
fetch_module = sys.modules["keras_mtl.weights.fetch"]

pytestmark = pytest.mark.one_backend
CONTENT = bytes(range(256)) * 400


def digest(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder that downloads go to."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras" / "keras_mtl" / "weights"


class Site(http.server.ThreadingHTTPServer):
    """Serves `files`, a dict from path to bytes, and keeps the paths that were asked for."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.asked, self.cut, self.length = {}, [], None, True

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}{path}"


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        site = self.server
        site.asked.append(self.path)
        content = site.files.get(self.path)
        self.send_response(200 if content else 404)
        if content and site.length:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        # Fewer bytes than announced: the connection is cut.
        self.wfile.write((content or b"")[: site.cut])

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    with Site() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def test_paths_stay(tmp_path):
    assert fetch(None) is None
    assert fetch("net.pth") == "net.pth"
    assert fetch(tmp_path) == tmp_path
    assert fetch("C:\\nets\\net.pth") == "C:\\nets\\net.pth"


@pytest.mark.parametrize("spelling", [str, str.upper])
def test_a_file_is_downloaded_once(site, cache, spelling):
    site.files["/nets/a.weights.h5"] = CONTENT
    url = site.url("/nets/a.weights.h5") + f"#sha256={spelling(digest(CONTENT))}"
    path = fetch(url)
    assert path == str(cache / f"{digest(CONTENT)[:16]}-a.weights.h5")
    assert fetch(url) == path
    with open(path, "rb") as file:
        assert file.read() == CONTENT
    assert site.asked == ["/nets/a.weights.h5"]


def test_files_of_one_name_are_kept_apart(site):
    site.files |= {"/a/net.pth": b"a", "/b/net.pth": b"b", "/b/%C3%A4%20b.pth?key=x/y": b"c"}
    for path, content in site.files.items():
        with open(fetch(f"{site.url(path)}#sha256={digest(content)}"), "rb") as file:
            assert file.read() == content


def test_a_file_on_disk(tmp_path, cache):
    (tmp_path / "net.pth").write_bytes(CONTENT)
    url = (tmp_path / "net.pth").as_uri()
    path = fetch(f"{url}#sha256={digest(CONTENT)}")
    assert path == str(cache / f"{digest(CONTENT)[:16]}-net.pth")
    with pytest.raises(ValueError, match="SHA-256"):
        fetch(f"{url}#sha256={'0' * 64}")


@pytest.mark.parametrize(
    "fragment", ["", "#sha256=", "#sha256=abc", f"#md5={'0' * 32}", f"#sha256={'0' * 65}"]
)
def test_urls_without_a_hash_are_refused(site, fragment):
    site.files["/net.pth"] = CONTENT
    with pytest.raises(ValueError, match="ends in '#sha256=' and the 64 .*Received: 'http"):
        fetch(site.url("/net.pth") + fragment)
    assert not site.asked


def test_another_file_is_refused_every_time(site):
    site.files["/net.pth"] = b"another"
    url = f"{site.url('/net.pth')}#sha256={digest(CONTENT)}"
    for _ in range(2):
        with pytest.raises(ValueError, match="`weights` must be .*SHA-256 .*net.pth"):
            fetch(url)
    assert len(site.asked) == 2


@pytest.mark.parametrize("length", [True, False], ids=["announced", "unknown length"])
def test_a_cut_download_never_passes(site, length):
    site.files["/net.pth"] = CONTENT
    site.cut, site.length = len(CONTENT) // 2, length
    url = f"{site.url('/net.pth')}#sha256={digest(CONTENT)}"
    for _ in range(2):
        with pytest.raises((OSError, ValueError), match="`weights` (could not|must)"):
            fetch(url)
    site.cut = None
    with open(fetch(url), "rb") as file:
        assert file.read() == CONTENT


def test_a_changed_file_in_the_cache_is_downloaded_again(site):
    site.files["/net.pth"] = CONTENT
    url = f"{site.url('/net.pth')}#sha256={digest(CONTENT)}"
    path = fetch(url)
    for changed in (CONTENT[:-1], b"", CONTENT[:-1] + b"?"):
        with open(path, "wb") as file:
            file.write(changed)
        with open(fetch(url), "rb") as file:
            assert file.read() == CONTENT


def test_what_is_not_there(site, tmp_path):
    with pytest.raises(OSError, match="`weights` could not be downloaded.*404"):
        fetch(f"{site.url('/net.pth')}#sha256={'0' * 64}")
    with pytest.raises(OSError, match="`weights` could not be downloaded"):
        fetch(f"{(tmp_path / 'absent.pth').as_uri()}#sha256={'0' * 64}")


# What stands in the cache


def fetched(url):
    with open(fetch(url), "rb") as file:
        return file.read()


def test_what_is_not_the_file_is_not_kept(site, cache):
    site.files["/net.pth"] = b"another"
    with pytest.raises(ValueError, match="SHA-256"):
        fetch(f"{site.url('/net.pth')}#sha256={digest(CONTENT)}")
    assert not list(cache.iterdir())


def test_many_fetch_at_once(site, cache, monkeypatch):
    """While each of them writes, the others do; none gets what is not whole."""
    site.files["/net.pth"] = CONTENT
    monkeypatch.setattr(fetch_module, "CHUNK", 1000)
    url = f"{site.url('/net.pth')}#sha256={digest(CONTENT)}"
    for _ in range(3):
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(fetched, [url] * 8)) == {CONTENT}
        (path,) = cache.iterdir()
        path.unlink()


@pytest.mark.parametrize("target", ["whole", "another", "absent", "folder", "pipe"])
def test_what_is_planted_at_the_name_is_replaced(site, cache, tmp_path, target):
    """Links lead where others can write; a pipe would never end."""
    site.files["/net.pth"] = CONTENT
    url = f"{site.url('/net.pth')}#sha256={digest(CONTENT)}"
    path, elsewhere = cache / f"{digest(CONTENT)[:16]}-net.pth", tmp_path / "elsewhere"
    cache.mkdir(parents=True)
    before = {"whole": CONTENT, "another": b"mine"}.get(target)
    if before is not None:
        elsewhere.write_bytes(before)
    elif target == "folder":
        elsewhere.mkdir()
    if target == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(elsewhere)
    assert fetched(url) == CONTENT and not path.is_symlink() and path.is_file()
    assert before is None or elsewhere.read_bytes() == before
    assert elsewhere.exists() == (target not in ("absent", "pipe"))


# Servers that send too much or nothing


@pytest.mark.parametrize("length", [True, False], ids=["announced", "unknown length"])
def test_a_file_that_is_too_large(site, cache, length):
    site.files["/net.pth"], site.length = CONTENT, length
    url = f"{site.url('/net.pth')}#sha256={digest(CONTENT)}"
    message = f"could not be downloaded from {site.url('/net.pth')}.*`max_bytes` is 102,399"
    with pytest.raises(OSError, match=message):
        fetch(url, max_bytes=len(CONTENT) - 1)
    assert not list(cache.iterdir())
    assert fetch(url, max_bytes=len(CONTENT))


def test_a_server_that_sends_nothing(cache):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/net.pth#sha256={'0' * 64}"
        with pytest.raises(OSError, match="net.pth: nothing was sent for 0.05 seconds, the `time"):
            fetch(url, timeout=0.05)
    assert not list(cache.iterdir())


def test_limits_that_are_none():
    for option in ({"timeout": 0}, {"timeout": float("nan")}, {"max_bytes": 0}, {"max_bytes": 1.5}):
        with pytest.raises(ValueError, match=f"`{next(iter(option))}` must be"):
            fetch(f"http://127.0.0.1/net.pth#sha256={'0' * 64}", **option)


def test_addresses_that_are_none():
    for url in ("http://127.0.0.1:port/a.pth", "http:///a.pth", "http://127.0.0.1/ä b.pth"):
        with pytest.raises(OSError, match="`weights` could not be downloaded"):
            fetch(f"{url}#sha256={'0' * 64}")


# Where weights are taken


def test_kinds_of_files_at_urls():
    fragment = f"#sha256={'0' * 64}"
    assert is_foreign(f"https://example.org/net.PTH{fragment}")
    assert is_foreign(f"https://example.org/net.safetensors?version=1.h5{fragment}")
    assert not is_foreign(f"https://example.org/net.weights.h5{fragment}")
    assert not is_foreign(f"https://example.pth/net.keras{fragment}")


def test_load_weights(site, tmp_path):
    image = keras.Input((4,))
    first, second = (keras.Model(image, layers.Dense(3, name="fc")(image)) for _ in range(2))
    first.save_weights(tmp_path / "net.weights.h5")
    site.files["/net.weights.h5"] = content = (tmp_path / "net.weights.h5").read_bytes()
    load_weights(second, f"{site.url('/net.weights.h5')}#sha256={digest(content)}")
    np.testing.assert_array_equal(second.get_weights()[0], first.get_weights()[0])


@pytest.mark.parametrize("of_the_tower", [True, False])
def test_towers_and_applications(site, tmp_path, of_the_tower):
    def build(weights, seed):
        if of_the_tower:
            return LeNet(weights=weights, seed=seed)
        return ModulatedEmbedding(2, (48, 48, 3), weights, width=0.1, size=4, seed=seed)

    build(None, 0).save_weights(tmp_path / "net.weights.h5")
    site.files["/net.weights.h5"] = content = (tmp_path / "net.weights.h5").read_bytes()
    model = build(f"{site.url('/net.weights.h5')}#sha256={digest(content)}", 1)
    for ours, theirs in zip(model.get_weights(), build(None, 0).get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
