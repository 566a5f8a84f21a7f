"""The file around the tar: two compressed parts and a seal.

    [manifest][padding][body][seal]

Each part is made of whole zstd frames (or is a gzip member), so that `zstd -d`
and `tar` read them as one. The manifest comes first and is known last: its
room is kept free while the body is written. The seal is a frame that readers
skip; it holds an XXH3 of every byte before it, so that no bit of the file can
flip unseen, also where it means nothing to the decompressor. What is in the
files has its SHA-256 in the manifest.
"""

import gzip
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol

import xxhash
import zstandard

from usenet_stack.backup.behind import Pack, PackBehind

Compression = Literal["zstd", "gzip"]
SUFFIX: dict[Compression, str] = {"zstd": ".tar.zst", "gzip": ".tar.gz"}
LEVEL = 3
# Tables that stay in the processor's own cache, and a window no longer than
# they reach: three quarters of the time that the level's usual ones take, for
# an archive that is 0.5 % larger.
HASH_LOG, CHAIN_LOG, WINDOW_LOG = 15, 14, 18
# What is not a database is mostly pictures, which do not get smaller: half
# the time, for an archive that is 0.1 % larger.
LIGHT = {"strategy": zstandard.STRATEGY_FAST, "min_match": 5}
MOST_THREADS = 6
FRAME = 2 * 1024 * 1024  # the memory of a thread is a few times that
LARGEST_WINDOW = 8 * 1024 * 1024
PIECE = 1024 * 1024
AHEAD = 16 * 1024 * 1024

_SKIPPABLE = struct.Struct("<II")
_PAD_MAGIC, _SEAL_MAGIC = 0x184D2A50, 0x184D2A55
_MARK = b"usenet-seal-1"
_SEAL = struct.Struct(f"<{len(_MARK)}sQ16s")  # mark, end of the head, digest
# An empty gzip member whose extra field "US" is the seal.
_GZIP_FRONT = struct.Struct("<4sIBBH2sH")
_GZIP_BACK = b"\x03\x00" + bytes(8)


class _Frames(threading.local):
    """Packs pieces as frames of their own; a thread has its compressors."""

    def __init__(self) -> None:
        self._files = _compressor(**LIGHT)
        self._databases = _compressor()

    def files(self, content: memoryview) -> bytes:
        return self._files.compress(content)

    def databases(self, content: memoryview) -> bytes:
        return self._databases.compress(content)

    def end(self, _: memoryview) -> bytes:
        return b""


class _Gzip:
    """Packs pieces as one member: each needs those before it."""

    def __init__(self) -> None:
        self._stream = _stream("gzip")

    def files(self, content: memoryview) -> bytes:
        return self._stream.compress(content)

    databases = files

    def end(self, _: memoryview) -> bytes:
        return self._stream.flush()


class _Stream(Protocol):
    def compress(self, data: bytes | memoryview, /) -> bytes: ...
    def flush(self) -> bytes: ...


def _stream(compression: Compression) -> _Stream:
    """Return what packs pieces as one: `compress` each, then `flush`."""
    if compression == "gzip":
        # 16: with gzip's own head, which holds no name and no time.
        return zlib.compressobj(6, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return _compressor().compressobj()


def _compressor(**others: int) -> zstandard.ZstdCompressor:
    parameters = zstandard.ZstdCompressionParameters.from_level(
        LEVEL,
        hash_log=HASH_LOG,
        chain_log=CHAIN_LOG,
        window_log=WINDOW_LOG,
        write_checksum=True,
        **others,
    )
    return zstandard.ZstdCompressor(compression_params=parameters)


def worker_threads(compression: Compression) -> int:
    """Return how many threads compress; gzip's pieces need each other."""
    count = len(os.sched_getaffinity(0)) if compression == "zstd" else 1
    return min(count, MOST_THREADS)


class Container:
    """A file that is being written: first the body, at last the head.

    Args:
        path: of a new file, 0600.
        room: bytes to keep free for the compressed manifest. Where they do
            not suffice, the body is moved once.
    """

    def __init__(
        self, path: Path, compression: Compression, room: int = 0
    ) -> None:
        self.path = path
        self.compression = compression
        # Padding can be skipped in zstd only.
        self.room = room if compression == "zstd" else 0
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        self._file = os.fdopen(os.open(path, flags, 0o600), "r+b", 0)
        self._file.seek(self.room)
        self._packer = _Gzip() if compression == "gzip" else _Frames()
        self._pack: Pack = self._packer.files
        self._behind = PackBehind(
            self._keep, worker_threads(compression), FRAME
        )
        self._piece = self._behind.room()
        self._filled = 0
        self._digest = xxhash.xxh3_128()
        self._length = 0
        self._begun = 0

    def write(self, content: bytes) -> None:
        """Add to the body."""
        free = FRAME - self._filled
        if len(content) > free:
            self.write(content[:free])
            self._hand_on()
            self.write(content[free:])
        else:
            end = self._filled + len(content)
            self._piece[self._filled : end] = content
            self._filled = end

    def space(self) -> memoryview:
        """Return where the next bytes of the body may be put."""
        if self._filled == FRAME:
            self._hand_on()
        return memoryview(self._piece)[self._filled :]

    def took(self, count: int) -> None:
        """Add what was put at the beginning of `space`."""
        self._filled += count

    def turn(self, databases: bool) -> None:
        """Begin to add databases, or to add something else."""
        if self._filled:
            self._hand_on()
        packer = self._packer
        self._pack = packer.databases if databases else packer.files

    def _hand_on(self) -> None:
        self._behind.put(self._piece, self._filled, self._pack)
        self._piece = self._behind.room()
        self._filled = 0

    def _keep(self, piece: bytes) -> None:
        self._digest.update(piece)
        _write_all(self._file.fileno(), piece)
        self._length += len(piece)
        if self._length - self._begun >= AHEAD:
            # Has the kernel begin to write it, waiting for nothing, and let
            # go of what is written: the sync at the end finds little to do.
            start = max(0, self._begun - AHEAD)
            os.posix_fadvise(
                self._file.fileno(),
                self.room + start,
                self._length - start,
                os.POSIX_FADV_DONTNEED,
            )
            self._begun = self._length

    def finish(self, head: Iterator[bytes]) -> None:
        """Write the head and the seal, and make the file durable.

        Args:
            head: what stands before the body, in pieces.
        """
        self._hand_on()
        # The body's threads are at work meanwhile.
        packing = _stream(self.compression)
        packed = b"".join(packing.compress(piece) for piece in head)
        packed += packing.flush()
        self._behind.put(self._piece, 0, self._packer.end)
        self._behind.finish()
        if padded := self._padded(packed):
            packed = padded
        else:
            self._move_body(len(packed))
        os.lseek(self._file.fileno(), 0, os.SEEK_SET)
        _write_all(self._file.fileno(), packed)
        os.lseek(self._file.fileno(), 0, os.SEEK_END)
        digest = _whole_digest(packed, self._digest.digest())
        sealed = seal(self.compression, len(packed), digest)
        _write_all(self._file.fileno(), sealed)
        os.fsync(self._file.fileno())

    def _padded(self, packed: bytes) -> bytes:
        free = self.room - len(packed)
        if free == 0:
            return packed
        if free < _SKIPPABLE.size:
            return b""
        rest = free - _SKIPPABLE.size
        return packed + _SKIPPABLE.pack(_PAD_MAGIC, rest) + bytes(rest)

    def _move_body(self, start: int) -> None:
        """Write the body anew behind a head of `start` bytes."""
        moved = self.path.with_name(f"{self.path.name}.moved")
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(moved, flags, 0o600), "r+b", 0) as file:
            file.seek(start)
            at = self.room
            while done := os.sendfile(
                file.fileno(), self._file.fileno(), at, 64 * PIECE
            ):
                at += done
            moved.replace(self.path)
            self._file.close()
            self._file = os.fdopen(os.dup(file.fileno()), "r+b", 0)

    @property
    def seal_hex(self) -> str:
        """The digest that the seal holds; only when it is finished."""
        return read_seal(self.path).digest.hex()

    def close(self) -> None:
        self._behind.close()
        self._file.close()


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _whole_digest(head: bytes, body: bytes) -> bytes:
    return xxhash.xxh3_128(xxhash.xxh3_128(head).digest() + body).digest()


class Seal:
    """What stands at the end of an archive.

    Args:
        length: bytes of the file that it covers.
        head: how many of them are the head.
    """

    def __init__(
        self, compression: Compression, length: int, head: int, digest: bytes
    ) -> None:
        self.compression = compression
        self.length = length
        self.head = head
        self.digest = digest


def seal(compression: Compression, head: int, digest: bytes) -> bytes:
    """Return the last bytes of an archive."""
    payload = _SEAL.pack(_MARK, head, digest)
    if compression == "zstd":
        return _SKIPPABLE.pack(_SEAL_MAGIC, len(payload)) + payload
    front = _GZIP_FRONT.pack(
        *(b"\x1f\x8b\x08\x04", 0, 0, 255),
        *(len(payload) + 4, b"US", len(payload)),
    )
    return front + payload + _GZIP_BACK


def read_seal(path: Path) -> Seal:
    """Return the seal of an archive.

    Raises:
        ValueError: it has none: it was cut off, or is no archive of ours.
        OSError: it cannot be read.
    """
    for compression in SUFFIX:
        length = len(seal(compression, 0, bytes(16)))
        with path.open("rb", 0) as file:
            size = os.fstat(file.fileno()).st_size
            covered = max(0, size - length)
            file.seek(covered)
            found = file.read(length)
        at = found.find(_MARK)
        if at < 0 or len(found) - at < _SEAL.size:
            continue
        _, head, digest = _SEAL.unpack_from(found, at)
        if head <= covered and found == seal(compression, head, digest):
            return Seal(compression, covered, head, digest)
    raise ValueError("it is cut off, or was not written by this program")


class SealedReader:
    """The bytes of an archive before its seal, hashed as they are read."""

    def __init__(self, path: Path) -> None:
        self.seal = read_seal(path)
        self._file = path.open("rb", 0)
        self._left = self.seal.length
        self._head = xxhash.xxh3_128()
        self._body = xxhash.xxh3_128()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; b"" at the end."""
        want = self._left if size < 0 else min(size, self._left)
        found = self._file.read(want)
        split = max(0, self._left - (self.seal.length - self.seal.head))
        self._head.update(found[:split])
        self._body.update(found[split:])
        self._left -= len(found)
        return found

    def check(self) -> None:
        """Read what is left, and compare with the seal.

        Raises:
            ValueError: the file is not the one that was written.
        """
        while self.read(PIECE):
            pass
        both = self._head.digest() + self._body.digest()
        if self._left or xxhash.xxh3_128(both).digest() != self.seal.digest:
            raise ValueError("it is not the file that was written")

    def close(self) -> None:
        self._file.close()


def unpacked(source: SealedReader) -> "zstandard.ZstdDecompressionReader":
    """Return the tar in an archive, as a stream to read."""
    if source.seal.compression == "gzip":
        return gzip.GzipFile(fileobj=source, mode="rb")  # type: ignore
    reader = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW)
    return reader.stream_reader(
        source,  # type: ignore[arg-type]
        read_size=PIECE,
        read_across_frames=True,
    )
