#!/usr/bin/env python3
# Makes the vectors of docs/storage.md ("Vectors") from the layouts alone, without any code of ours.
# tests/unit/store/format_test.c holds the hub to them.
import hashlib
import struct


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def record(number, flags, leaf, slots, subs):
    head = struct.pack(">BBH", 1, len(slots), flags)
    rest = struct.pack(">qHHI", 0x0001020304050607, 0x1112, len(subs), 0x21222324)
    rest += bytes([0xAA] * 16) + bytes([0xBB] * 8)
    rest += b"".join(struct.pack(">H", sub) for sub in subs)
    rest += b"".join(struct.pack(">I", len(slot)) for slot in slots)
    rest += leaf + b"".join(slots)
    crc = crc32c(struct.pack(">Q", number) + head + rest)
    return head + struct.pack(">I", crc) + rest


def row(table, key, value):
    return value + struct.pack(">I", crc32c(table.encode() + b"\0" + struct.pack(">H", len(key)) + key + value))


def show(name, data):
    print(f"{name:9} {data.hex()}")


OPEN, SEALED, EXPIRED, STRIPPED = 0, 1, 8, 16
show("open", record(42, OPEN, b"leaf", [], [1, 7, 300]))
show("sealed", record(43, SEALED, b"leaf", [b"s1", b"slot2"], [7]))
show("stripped", record(43, SEALED | STRIPPED, b"leaf", [b"", b"slot2"], [7]))
show("expired", record(43, SEALED | EXPIRED, b"rest", [], [7]))
show("row0", hashlib.sha256(b"\0" + b"leaf").digest())
show("segment", row("segment", struct.pack(">Q", 1), struct.pack(">QIQQQ", 1000000, 3, 250000, 17, 123456789)))
show("strip", row("strip", struct.pack(">Q", 43), struct.pack(">H", 5)))
