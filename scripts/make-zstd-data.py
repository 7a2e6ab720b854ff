#!/usr/bin/env python3
"""Makes test/data/zstd/frames.json: frames of libzstd with what they hold.

For each a name, the frames (base64), and length and SHA-256 of the content. `refused`: no decoder without its dictionary
takes the frame.

usage: make-zstd-data.py     (needs zstandard, numpy)
"""
import base64, hashlib, json, os, random, struct

import numpy as np
import zstandard as z

rng = np.random.default_rng(20261125)
random.seed(20261125)
frames = []


def add(name, frame, content, **more):
    frames.append({"name": name, "frame": base64.b64encode(frame).decode(), "length": len(content),
                   "sha256": hashlib.sha256(content).hexdigest(), **more})


def noise(length, values=256):
    return rng.integers(0, values, length, dtype=np.uint8).tobytes()


def streamed(content, compressor, pieces):
    """Without content size, with blocks that end where a piece does."""
    stream, out = compressor.compressobj(), b""
    for at in range(0, len(content), max(1, len(content) // pieces)):
        out += stream.compress(content[at:at + max(1, len(content) // pieces)]) + stream.flush(z.COMPRESSOBJ_FLUSH_BLOCK)
    return out + stream.flush()


field = np.round(273 + 15 * np.sin(np.arange(500) * 0.03) + rng.random(500) * 0.25, 2)
random_bytes = noise(700)
contents = {
    "nothing": b"",
    "one byte": b"a",
    "few bytes": b"abcabcabcabcabcabcabcabcab",
    "one value": bytes(70000),
    "noise": noise(300),
    "few values": noise(1500, 5),
    "geometric": np.minimum(rng.geometric(0.05, 1200), 255).astype(np.uint8).tobytes(),
    "skewed": np.minimum(rng.geometric(0.6, 9000), 255).astype(np.uint8).tobytes(),
    "field": field.astype("<f4").tobytes(),
    "integers": np.cumsum(rng.integers(-3, 4, 700)).astype("<i4").tobytes(),
    "counted": np.arange(1000, dtype="<i8").tobytes(),
    "words": b"".join(random.choice([b"alpha ", b"beta ", b"gamma ", b"delta\n", b"epsilon, "]) for _ in range(900)),
    "runs": b"".join(noise(random.choice([1, 3, 20])) + noise(1) * random.randrange(1, 400) for _ in range(25)),
    "pieces": b"".join(random_bytes[at:at + random.randrange(3, 40)] for at in (random.randrange(650) for _ in range(250))),
}
for period in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 15, 16, 17, 31, 33):
    contents[f"period {period}"] = (random_bytes[:period] * 300)[:999] + random_bytes[:20]

for name, content in contents.items():
    for level in ([3] if name.startswith("period") else [-5, 1, 3, 6, 12, 19]):
        settings = dict(level=level, write_checksum=level % 2 == 0)
        add(f"{name}, level {level}", z.ZstdCompressor(**settings).compress(content), content)
    add(f"{name}, in pieces", streamed(content, z.ZstdCompressor(level=5, write_checksum=True), 4), content)
    small = z.ZstdCompressionParameters.from_level(9, window_log=10, write_checksum=1)
    add(f"{name}, small window", streamed(content, z.ZstdCompressor(compression_params=small), 2), content)

# Blocks of every size, offsets of every size, more sequences than two bytes count, streams that are long.
far = random_bytes + bytes(3_000_000) + random_bytes[100:600] + bytes(200_000) + random_bytes[50:650]
long = z.ZstdCompressionParameters.from_level(3, window_log=24, enable_ldm=1)
add("far apart", z.ZstdCompressor(compression_params=long).compress(far), far)
add("far apart, level 22", z.ZstdCompressor(level=22).compress(far), far)


def block(kind, size, body, last):
    return struct.pack("<I", last | kind << 1 | size << 3)[:3] + body


def by_hand(name, section):
    """Ten bytes, and a block of three literals with this section of sequences; libzstd tells what they hold."""
    body = b"\x18end" + section
    frame = b"\x28\xb5\x2f\xfd\x00\x58" + block(0, 10, b"0123456789", 0) + block(2, len(body), body, 1)
    add(name, frame, z.ZstdDecompressor().decompress(frame, max_output_size=200_000))


by_hand("0 sequences in one byte", b"\x00")
by_hand("0 sequences in two bytes", b"\x80\x00")
for sequences in (1, 127, 128, 300, 0x7EFF, 0x7F00, 0x7F01, 40_000):
    count = bytes([sequences]) if sequences < 128 else struct.pack(">H", sequences | 0x8000) if sequences < 0x7F00 \
        else b"\xff" + struct.pack("<H", sequences - 0x7F00)
    # All of the same codes, which takes no bits.
    by_hand(f"{sequences} sequences", count + b"\x54\x00\x00\x00\x01")
long_literals = noise(20_000, 16)
without_matches = z.ZstdCompressionParameters.from_level(1, min_match=7)
add("many literals", z.ZstdCompressor(compression_params=without_matches).compress(long_literals), long_literals)
few_matches = noise(5000) + random_bytes[:100] + random_bytes
add("many plain literals", z.ZstdCompressor(level=1).compress(few_matches), few_matches)
between = b"".join(random_bytes[at:at + 20] + b"a" for at in range(0, 680, 30))
halves = z.ZstdCompressor(level=19).compressobj()
add("literals of one value", halves.compress(random_bytes) + halves.flush(z.COMPRESSOBJ_FLUSH_BLOCK) + halves.compress(between) + halves.flush(),
    random_bytes + between)
plain = b"".join(contents[name] for name in ("noise", "words", "field", "runs"))
for length in [*range(2, 70, 7), 255, 256, 257, 1023, 1024, 1025]:
    add(f"{length} bytes", z.ZstdCompressor(level=19).compress(plain[900:900 + length]), plain[900:900 + length])

several = z.ZstdCompressor(level=3, write_checksum=True).compress(contents["words"])
skippable = struct.pack("<II", 0x184D2A53, 5) + b"skip!"
add("several frames", several + skippable + several, contents["words"] * 2)

trained = z.train_dictionary(1500, [contents["words"][at:at + 90] for at in range(0, len(contents["words"]) - 90, 25)])
bound = z.ZstdCompressor(level=3, dict_data=trained).compress(contents["words"][:500])
add("of a dictionary", bound, contents["words"][:500], refused=True)

folder = os.path.join(os.path.dirname(__file__), "..", "test", "data", "zstd")
os.makedirs(folder, exist_ok=True)
with open(os.path.join(folder, "frames.json"), "w") as file:
    json.dump(frames, file, indent=0)
    file.write("\n")
print(len(frames), os.path.getsize(os.path.join(folder, "frames.json")))
