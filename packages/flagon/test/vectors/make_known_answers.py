"""Flagon's formats, version 1, written down a second time: in Python, by its standard library alone, AES-GCM included.

    python3 make_known_answers.py                  prints known-answers.json
    python3 make_known_answers.py open < lines     opens what Flagon made: a JSON object on each line, answers likewise

Slow, open to timing attacks, and with nonces that are written down here: for tests only.
"""

import base64
import hashlib
import hmac
import json
import struct
import sys

HOUR_MS = 3_600_000
PERMANENT, TAGGED = 1, 2
COUNTERS = ["signInId", "generation", "since"]
CLOCKS = ["createdAt", "authenticatedAt", "renewedAt", "rotatedAt", "endsAt"]


# AES-256 (FIPS 197), one direction: GCM needs no other.


def multiply(a, b):
    """In GF(2^8), modulo x^8 + x^4 + x^3 + x + 1."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def make_sbox():
    inverse = [0] * 256
    for a in range(1, 256):
        inverse[a] = next(b for b in range(1, 256) if multiply(a, b) == 1)
    rotate = lambda x, n: ((x << n) | (x >> (8 - n))) & 0xFF
    return [i ^ rotate(i, 1) ^ rotate(i, 2) ^ rotate(i, 3) ^ rotate(i, 4) ^ 0x63 for i in inverse]


SBOX = make_sbox()


def expand_key(key):
    assert len(key) == 32
    words = [list(key[i : i + 4]) for i in range(0, 32, 4)]
    round_constant = 1
    while len(words) < 60:
        word = list(words[-1])
        if len(words) % 8 == 0:
            word = [SBOX[b] for b in word[1:] + word[:1]]
            word[0] ^= round_constant
            round_constant = multiply(round_constant, 2)
        elif len(words) % 8 == 4:
            word = [SBOX[b] for b in word]
        words.append([a ^ b for a, b in zip(words[-8], word)])
    return [sum(words[i : i + 4], []) for i in range(0, 60, 4)]


def encrypt_block(round_keys, block):
    state = [a ^ b for a, b in zip(block, round_keys[0])]
    for number, round_key in enumerate(round_keys[1:], 1):
        # Bytes are substituted and rows are shifted in one go: column c takes row r from column c + r.
        state = [SBOX[state[(4 * (c + r) + r) % 16]] for c in range(4) for r in range(4)]
        if number < 14:
            state = mix_columns(state)
        state = [a ^ b for a, b in zip(state, round_key)]
    return bytes(state)


def mix_columns(state):
    mixed = []
    for c in range(0, 16, 4):
        a = state[c : c + 4]
        mixed += [
            multiply(a[r], 2) ^ multiply(a[(r + 1) % 4], 3) ^ a[(r + 2) % 4] ^ a[(r + 3) % 4] for r in range(4)
        ]
    return mixed


# GCM (NIST SP 800-38D) with a nonce of 96 bits and a tag of 128.


def ghash(h, data):
    h, y = int.from_bytes(h, "big"), 0
    for i in range(0, len(data), 16):
        x, z, v = y ^ int.from_bytes(data[i : i + 16], "big"), 0, h
        for bit in range(127, -1, -1):
            if (x >> bit) & 1:
                z ^= v
            v = (v >> 1) ^ ((0xE1 << 120) if v & 1 else 0)
        y = z
    return y.to_bytes(16, "big")


def counted(round_keys, nonce, data):
    """Counter mode from 2 on: 1 is for the tag."""
    out = bytearray()
    for i in range(0, len(data), 16):
        block = encrypt_block(round_keys, nonce + struct.pack(">I", i // 16 + 2))
        out += bytes(a ^ b for a, b in zip(data[i : i + 16], block))
    return bytes(out)


def tag_of(round_keys, nonce, ciphertext, aad):
    pad = lambda data: data + bytes(-len(data) % 16)
    lengths = struct.pack(">QQ", 8 * len(aad), 8 * len(ciphertext))
    hashed = ghash(encrypt_block(round_keys, bytes(16)), pad(aad) + pad(ciphertext) + lengths)
    return bytes(a ^ b for a, b in zip(hashed, encrypt_block(round_keys, nonce + b"\0\0\0\1")))


def gcm_seal(key, nonce, plaintext, aad):
    round_keys = expand_key(key)
    ciphertext = counted(round_keys, nonce, plaintext)
    return ciphertext + tag_of(round_keys, nonce, ciphertext, aad)


def gcm_open(key, nonce, sealed, aad):
    round_keys = expand_key(key)
    ciphertext, tag = sealed[:-16], sealed[-16:]
    if not hmac.compare_digest(tag, tag_of(round_keys, nonce, ciphertext, aad)):
        raise ValueError("forged")
    return counted(round_keys, nonce, ciphertext)


# Keys (RFC 5869).


def hkdf(material, info, length):
    pseudorandom_key = hmac.new(bytes(32), material, hashlib.sha256).digest()
    out, block = b"", b""
    while len(out) < length:
        block = hmac.new(pseudorandom_key, block + info + bytes([len(out) // 32 + 1]), hashlib.sha256).digest()
        out += block
    return out[:length]


def key_of(secret, purpose, app, hour=None):
    path = f"flagon/v1/{purpose}/{app}" + ("" if hour is None else f"/{hour}")
    return hkdf(secret.encode(), path.encode(), 32)


def key_id_of(secret):
    return hkdf(secret.encode(), b"flagon/v1/kid", 4)


# Formats.


def to_text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_text(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def prefixed(text):
    return struct.pack(">H", len(text.encode())) + text.encode()


def head_of(kind, secret, hour):
    return bytes([kind]) + key_id_of(secret) + hour.to_bytes(3, "big")


def seal(kind, purpose, secret, app, hour, nonce, plaintext, context):
    head = head_of(kind, secret, hour)
    return head + nonce + gcm_seal(key_of(secret, purpose, app, hour), nonce, plaintext, head + context)


def unseal(kind, purpose, secret, app, sealed, context):
    head, nonce = sealed[:8], sealed[8:20]
    hour = int.from_bytes(head[5:], "big")
    if head != head_of(kind, secret, hour):
        raise ValueError("another kind, or another secret")
    return gcm_open(key_of(secret, purpose, app, hour), nonce, sealed[20:], head + context)


def write_plaintext(record):
    contents = {"d": record["data"]}
    if record.get("flashes"):
        contents["f"] = record["flashes"]
    if record.get("userId") is not None:
        contents["u"] = record["userId"]
    flags = (PERMANENT if record.get("permanent") else 0) | (TAGGED if record.get("tagged") else 0)
    counters = struct.pack(">III", *(record.get(name, 0) for name in COUNTERS))
    clocks = b"".join((record.get(name) or 0).to_bytes(6, "big") for name in CLOCKS)
    text = json.dumps(contents, separators=(",", ":"), ensure_ascii=False)
    return bytes([flags]) + from_text(record["id"]) + counters + clocks + text.encode()


def read_plaintext(data):
    contents = json.loads(data[59:].decode())
    clocks = [int.from_bytes(data[i : i + 6], "big") for i in range(29, 59, 6)]
    return {
        "id": to_text(data[1:17]),
        "permanent": bool(data[0] & PERMANENT),
        "tagged": bool(data[0] & TAGGED),
        **dict(zip(COUNTERS, struct.unpack(">III", data[17:29]))),
        **{name: clock or None for name, clock in zip(CLOCKS, clocks)},
        "data": contents["d"],
        "flashes": contents.get("f", []),
        "userId": contents.get("u"),
    }


def row_context(row_id, user_id):
    return from_text(row_id) + prefixed(user_id or "")


def id_cookie(secret, app, name, session_id, generation, sign_in_id):
    head = b"\x02" + key_id_of(secret) + from_text(session_id) + struct.pack(">II", generation, sign_in_id)
    return head + hmac.new(key_of(secret, "id", app), head + prefixed(name), hashlib.sha256).digest()[:16]


# What is known: each case's inputs, and what they become.

SECRET = "p7Qw-2ZrT.s9Vb4_XcK1~mHy6!dLf0Gj"
UNICODE_SECRET = "ключ-π-鍵-🗝 Zq7!rT2#vB9$wN4%kM1^x"
NOW = 1_767_225_599_999  # the last millisecond of 2025, and of an hour
ID = to_text(bytes(range(16)))
OTHER_ID = to_text(bytes(range(0xF0, 0x100)))

RECORDS = {
    "a visitor with nothing": {
        "id": ID,
        "createdAt": NOW,
        "renewedAt": NOW,
        "rotatedAt": NOW,
        "endsAt": NOW + 43_200_000,
        "data": {},
    },
    "a person, signed in to stay": {
        "id": OTHER_ID,
        "permanent": True,
        "createdAt": NOW - 86_400_000,
        "authenticatedAt": NOW - 86_400_000,
        "renewedAt": NOW - 60_000,
        "rotatedAt": NOW - 3_600_000,
        "endsAt": NOW + 179 * 86_400_000,
        "signInId": 0xFEDCBA98,
        "generation": 0x01020304,
        "since": 259,
        "data": {"cart": [1, 2.5, {"sku": "x", "gift": True}], "note": None, "city": "Zürich 🏔"},
        "flashes": [["Login successful!", "success"], ["Hello <b>", "message"]],
        "userId": "42",
    },
    "values that JSON has no words for": {
        "id": ID,
        "tagged": True,
        "createdAt": NOW - 1,
        "renewedAt": NOW,
        "rotatedAt": NOW - 1,
        "endsAt": NOW + 1,
        "generation": 0xFFFFFFFF,
        "data": {
            "when": {"!d": 0},
            "never": {"!d": None},
            "big": {"!n": "-123456789012345678901234567890"},
            "bytes": {"!b": "AP8Q"},
            "map": {"!m": [["k", {"!u": 0}], [1, {"!n": "2"}]]},
            "set": {"!s": ["a", {"!d": 1}]},
            "numbers": [{"!f": "NaN"}, {"!f": "Infinity"}, {"!f": "-Infinity"}, {"!f": "-0"}],
            "lookalike": {"!o": ["!d", 5]},
        },
    },
    "keys like any other": {
        "id": ID,
        "createdAt": NOW,
        "authenticatedAt": NOW,
        "renewedAt": NOW,
        "rotatedAt": NOW,
        "endsAt": 2**48 - 1,
        "signInId": 1,
        "generation": 1,
        "since": 1,
        "data": {"__proto__": {"admin": True}, "constructor": 1, "toString": "x", "!d": 7, "": "empty"},
        "userId": "ünï",
    },
}

COOKIES = [
    # title, record, secret, app, cookie name, sealed at
    ("a visitor with nothing", SECRET, "", "__Host-Http-session", NOW),
    ("a person, signed in to stay", SECRET, "shop", "sid", NOW - 60_000),
    ("values that JSON has no words for", SECRET, "", "__Host-Http-session", NOW),
    ("keys like any other", UNICODE_SECRET, "app/ü", "__Secure-session", NOW),
]


def known_answers():
    nonces = (hashlib.sha256(b"known answer %d" % i).digest()[:12] for i in range(1_000))
    cookies, rows = [], []
    for title, secret, app, name, sealed_at in COOKIES:
        record, hour = RECORDS[title], sealed_at // HOUR_MS
        plaintext = write_plaintext(record)
        common = {"title": title, "secret": secret, "app": app, "now": NOW, "sealedAt": sealed_at, "record": record}
        nonce = next(nonces)
        value = seal(1, "seal", secret, app, hour, nonce, plaintext, prefixed(name))
        cookies.append({**common, "name": name, "plaintext": plaintext.hex(), "cookie": to_text(value)})
        nonce = next(nonces)
        context = row_context(record["id"], record.get("userId"))
        named = id_cookie(secret, app, name, record["id"], record.get("generation", 0), record.get("signInId", 0))
        data = seal(3, "store", secret, app, hour, nonce, plaintext, context)
        rows.append({**common, "name": name, "cookie": to_text(named), "data": data.hex()})
    id_cookies = [
        {
            "secret": secret,
            "app": app,
            "name": name,
            "id": session_id,
            "generation": generation,
            "signInId": sign_in_id,
            "cookie": to_text(id_cookie(secret, app, name, session_id, generation, sign_in_id)),
        }
        for secret, app, name, session_id, generation, sign_in_id in [
            (SECRET, "", "__Host-Http-session", ID, 0, 0),
            (SECRET, "shop", "__Host-Http-session", ID, 1, 0x01020304),
            (SECRET, "", "sid", OTHER_ID, 0x01020304, 0xFEDCBA98),
            (UNICODE_SECRET, "app/ü", "__Secure-session", OTHER_ID, 0xFFFFFFFF, 1),
        ]
    ]
    keys = [
        {
            "secret": secret,
            "app": app,
            "keyId": key_id_of(secret).hex(),
            "id": key_of(secret, "id", app).hex(),
            "csrf": key_of(secret, "csrf", app).hex(),
            "hour": NOW // HOUR_MS,
            "seal": key_of(secret, "seal", app, NOW // HOUR_MS).hex(),
            "store": key_of(secret, "store", app, NOW // HOUR_MS).hex(),
        }
        for secret in (SECRET, UNICODE_SECRET)
        for app in ("", "shop", "app/ü")
    ]
    return {"keys": keys, "cookies": cookies, "idCookies": id_cookies, "rows": rows}


def answer(question):
    try:
        if question["kind"] == "gcm":
            key, nonce, aad = (bytes.fromhex(question[part]) for part in ("key", "iv", "aad"))
            return {"plaintext": gcm_open(key, nonce, bytes.fromhex(question["sealed"]), aad).hex()}
        secret, app = question["secret"], question["app"]
        if question["kind"] == "cookie":
            context = prefixed(question["name"])
            return read_plaintext(unseal(1, "seal", secret, app, from_text(question["value"]), context))
        if question["kind"] == "row":
            context = row_context(question["id"], question["userId"])
            return read_plaintext(unseal(3, "store", secret, app, bytes.fromhex(question["value"]), context))
        named = (question[part] for part in ("name", "id", "generation", "signInId"))
        return {"cookie": to_text(id_cookie(secret, app, *named))}
    except ValueError as error:
        return {"error": str(error)}


if __name__ == "__main__":
    if sys.argv[1:] == ["open"]:
        for line in sys.stdin:
            print(json.dumps(answer(json.loads(line))))
    else:
        print(json.dumps(known_answers(), indent=1, ensure_ascii=False))
