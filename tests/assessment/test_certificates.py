from __future__ import annotations

import json
import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ppolab.assessment.certificates import CertificateError, Passed, check, evidence_of, issue
from ppolab.assessment.signing import (
    SignatureError,
    SigningKey,
    canonical,
    fingerprint,
    read_document,
    verify,
)
from ppolab.errors import ConflictError, InvalidSettingError, StorageError

ENTRY = Passed(
    kind="challenge",
    slug="double",
    title="Double a number",
    chapter="Second",
    passed_at="2026-01-02T03:04:05+00:00",
    attempts=3,
    hints=1,
    evidence=evidence_of(["def double(x): ..."]),
)


@pytest.fixture
def key(tmp_path):
    return SigningKey.of(tmp_path / "home")


@pytest.fixture
def document(key):
    return issue(key, "Ada Lovelace", "PPO Lab", "0.1.0", [ENTRY])


def test_a_certificate_tells_what_was_passed_and_by_whom_it_was_issued(key, document):
    told = check(read_document(json.dumps(document, indent=3), "certificate"), key.public)
    assert (told.name, told.public_key, told.passed) == ("Ada Lovelace", key.public, (ENTRY,))


def test_the_signature_is_plain_ed25519_over_the_sorted_json(key, document):
    content = {name: value for name, value in document.items() if name != "signature"}
    plain = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(document["public_key"]))
    public.verify(bytes.fromhex(document["signature"]), plain.encode())  # raises where it is not


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(name="Eve"),
        lambda d: d["passed"][0].update(slug="triple"),
        lambda d: d["passed"][0].update(attempts=1),
        lambda d: d["passed"].append(d["passed"][0]),
        lambda d: d["passed"].clear(),
        lambda d: d.update(issued_at="2020-01-01T00:00:00+00:00"),
        lambda d: d.update(version=2),
        lambda d: d.update(more="text"),
        lambda d: d.pop("course"),
        lambda d: d.update(signature=d["signature"][:-2] + "00"),
        lambda d: d.update(signature="0" * 128),
    ],
)
def test_whatever_is_changed_the_signature_does_not_fit(document, change):
    change(document)
    with pytest.raises(SignatureError, match="was changed after it was signed"):
        check(document)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("signature", None),
        ("signature", 7),
        ("signature", ""),
        ("public_key", ""),
        ("public_key", "zz" * 32),
        ("public_key", ["00"] * 32),
    ],
)
def test_without_a_key_and_a_signature_nothing_vouches_for_it(document, field, value):
    document[field] = value
    with pytest.raises(SignatureError, match="nothing vouches"):
        check(document)


def test_one_who_signs_with_another_key_is_told_apart_by_the_key_alone(tmp_path, key, document):
    forger = SigningKey.of(tmp_path / "other")
    content = {k: v for k, v in document.items() if k not in ("public_key", "signature")}
    forged = forger.sign({**content, "name": "Eve"})
    assert check(forged).name == "Eve"  # intact, and signed by someone
    with pytest.raises(SignatureError, match="not the key that you trust"):
        check(forged, key.public)
    # Nor does it help to write the trusted key over one's own.
    with pytest.raises(SignatureError, match="was changed"):
        check({**forged, "public_key": key.public}, key.public)


def test_other_signed_files_are_no_certificates(key, document):
    content = {k: v for k, v in document.items() if k not in ("public_key", "signature")}
    for changed, words in [
        ({**content, "format": "ppolab-progress"}, "no certificate"),
        ({**content, "version": 2}, "version that is not known"),
        ({**content, "extra": 1}, "lacks fields, or has some"),
        ({**content, "name": 7}, "lacks fields, or has some"),
        ({**content, "passed": [{"slug": "x"}]}, "cannot be read"),
        ({**content, "passed": 5}, "cannot be read"),
    ]:
        with pytest.raises(CertificateError, match=words):
            check(key.sign(changed))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read as JSON"),
        ("{", "cannot be read as JSON"),
        ("[1]", "no JSON object"),
        ('{"name": "Ada", "name": "Eve"}', "stands twice"),
        ('{"passed": [{"slug": "a", "slug": "b"}]}', "stands twice"),
        ('{"seconds": NaN}', "no number in JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
    ],
)
def test_a_file_that_is_none_is_told_in_words(text, words):
    with pytest.raises(InvalidSettingError, match=words):
        read_document(text, "certificate")


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "Ada\x00", "Ada\u202eevE"])
def test_a_name_must_be_one(key, name):
    with pytest.raises(InvalidSettingError, match="no name for a certificate"):
        issue(key, name, "PPO Lab", "0", [ENTRY])


def test_nothing_passed_is_no_certificate(key):
    with pytest.raises(ConflictError, match="would be empty"):
        issue(key, "Ada", "PPO Lab", "0", [])


def test_the_key_is_made_once_for_its_owners_eyes_only(tmp_path):
    home = tmp_path / "home"
    first, again = SigningKey.of(home), SigningKey.of(home)
    assert first.public == again.public
    file = home / "certificate.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert first.public not in file.read_text()
    assert SigningKey.of(tmp_path / "other").public != first.public


def test_a_key_that_others_can_read_or_that_is_none_is_refused(tmp_path):
    SigningKey.of(tmp_path)
    file = tmp_path / "certificate.key"
    file.chmod(0o640)
    with pytest.raises(StorageError, match="chmod 600"):
        SigningKey.of(tmp_path)
    file.chmod(0o600)
    file.write_text("not a key")
    with pytest.raises(StorageError, match="is not a key"):
        SigningKey.of(tmp_path)
    assert file.read_text() == "not a key"


def test_fingerprints_are_short_and_of_keys_alone(key):
    assert len(fingerprint(key.public)) == 19
    assert fingerprint(key.public.upper()) == fingerprint(key.public)
    with pytest.raises(InvalidSettingError, match="not a public key"):
        fingerprint("abc")


def test_documents_are_signed_as_numbers_that_json_has(key):
    assert canonical({"b": 1, "a": "ü"}) == '{"a":"ü","b":1}'.encode()
    with pytest.raises(ValueError, match="JSON compliant"):
        key.sign({"x": float("nan")})
    signed = key.sign({"seconds": 0.1, "whole": 1.0})
    assert verify(json.loads(json.dumps(signed))) == key.public
