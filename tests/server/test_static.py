import gzip

import pytest


@pytest.fixture
def web(settings):
    assets = settings.web / "assets"
    assets.mkdir(parents=True)
    (settings.web / "index.html").write_text("<!doctype html>the page")
    (assets / "app-1a2b.js").write_text("plain")
    (assets / "app-1a2b.js.gz").write_bytes(gzip.compress(b"squeezed"))
    (settings.home.parent / "secret.txt").write_text("not for others")
    return settings.web


HTML = {"accept": "text/html,*/*"}


def test_every_view_opens_the_one_page(client, web):
    for path in ("/", "/learn/second/opening", "/runs/one"):
        answer = client.get(path, headers=HTML)
        assert answer.text.endswith("the page")
        assert answer.headers["cache-control"] == "no-cache"


def test_files_with_a_hash_are_kept_for_ever_and_sent_compressed_where_that_works(client, web):
    answer = client.get("/assets/app-1a2b.js", headers={"accept-encoding": "gzip"})
    assert answer.text == "squeezed"
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert "javascript" in answer.headers["content-type"]
    plain = client.get("/assets/app-1a2b.js", headers={"accept-encoding": "identity"})
    assert plain.text == "plain"
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize("path", ["/assets/gone-9f.js", "/api/typo", "/ws/typo", "/x.png"])
def test_what_is_not_there_is_404_and_never_the_page(client, web, path):
    accept = "image/png" if path.endswith("png") else "text/html"
    answer = client.get(path, headers={"accept": accept})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt"]
)
def test_nothing_outside_the_page_is_served(client, web, path):
    assert "not for others" not in client.get(path, headers={"accept": "*/*"}).text


def test_the_page_may_load_only_from_here(client, web):
    policy = client.get("/", headers=HTML).headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy  # so scripts fall under default-src, without 'unsafe-inline'
    assert "http" not in policy


def test_without_a_built_page_the_server_says_how_to_build_it(client):
    answer = client.get("/", headers=HTML)
    assert answer.status_code == 503
    assert "make run" in answer.text


def test_views_answer_only_to_reading(client, web):
    assert client.post("/learn/second/opening").status_code == 405
