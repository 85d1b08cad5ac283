#!/usr/bin/env python3
"""vmlinux.py BZIMAGE OUT: the ELF kernel inside a bzImage (zstd, xz, gzip or none)."""
import struct
import subprocess
import sys

PAYLOAD_OFFSET = 0x248
UNPACK = {
    b"\x28\xb5\x2f\xfd": ["zstd", "-dc"],
    b"\xfd7zX": ["xz", "-dc"],
    b"\x1f\x8b\x08\x00": ["gzip", "-dc"],
}


def payload(image):
    """The compressed kernel: the boot protocol says where it lies."""
    if image[0x202:0x206] != b"HdrS":
        sys.exit("vmlinux.py: not a bzImage")
    start = (image[0x1F1] + 1) * 512
    offset, length = struct.unpack_from("<II", image, PAYLOAD_OFFSET)
    return image[start + offset:start + offset + length]


def unpack(data):
    if data[:4] == b"\x7fELF":
        return data
    command = UNPACK.get(data[:4])
    if not command:
        sys.exit(f"vmlinux.py: unknown compression {data[:4].hex()}")
    # The last four bytes are the size, which the tools call trailing garbage.
    done = subprocess.run(command, input=data[:-4], stdout=subprocess.PIPE, check=False)
    return done.stdout


def main():
    with open(sys.argv[1], "rb") as f:
        elf = unpack(payload(f.read()))
    if elf[:4] != b"\x7fELF":
        sys.exit("vmlinux.py: no ELF kernel inside")
    with open(sys.argv[2], "wb") as f:
        f.write(elf)


if __name__ == "__main__":
    main()
