"""The file around the tar: two compressed parts and a seal.

    [manifest][padding][body][seal]

Each part is a whole zstd frame (or gzip member), so that `zstd -d` and `tar`
read them as one. The manifest comes first and is known last: its room is kept
free while the body is written. The seal is a frame that readers skip; it holds
an XXH3 of every byte before it, so that no bit of the file can flip unseen,
also where it means nothing to the decompressor. What is in the files has its
SHA-256 in the manifest.
"""

import gzip
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol

import xxhash
import zstandard

from usenet_stack.backup.behind import WriteBehind

Compression = Literal["zstd", "gzip"]
SUFFIX: dict[Compression, str] = {"zstd": ".tar.zst", "gzip": ".tar.gz"}
LEVEL = 3
# Tables that stay in the processor's own cache, and a window no longer than
# they reach: three quarters of the time that the level's usual ones take, for
# an archive that is 0.5 % larger.
HASH_LOG, CHAIN_LOG, WINDOW_LOG = 15, 14, 18
MOST_THREADS = 6
JOB = 2 * 1024 * 1024  # the memory of a thread is a few times that
LARGEST_WINDOW = 8 * 1024 * 1024
PIECE = 1024 * 1024
AHEAD = 16 * 1024 * 1024
PIECES = 64
# Small enough that the allocator does not ask the kernel for each.
GATHERED = 64 * 1024

_SKIPPABLE = struct.Struct("<II")
_PAD_MAGIC, _SEAL_MAGIC = 0x184D2A50, 0x184D2A55
_MARK = b"usenet-seal-1"
_SEAL = struct.Struct(f"<{len(_MARK)}sQ16s")  # mark, end of the head, digest
# An empty gzip member whose extra field "US" is the seal.
_GZIP_FRONT = struct.Struct("<4sIBBH2sH")
_GZIP_BACK = b"\x03\x00" + bytes(8)


class _Packer(Protocol):
    def compress(self, data: bytes | memoryview, /) -> bytes: ...
    def flush(self) -> bytes: ...


def packer(compression: Compression, threads: int = 0) -> _Packer:
    """Return what makes one part: `compress` pieces, then `flush`.

    Args:
        threads: that compress beside the caller's; 0 is none. gzip has none.
    """
    if compression == "gzip":
        # 16: with gzip's own head, which holds no name and no time.
        return zlib.compressobj(6, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    parameters = zstandard.ZstdCompressionParameters.from_level(
        LEVEL,
        hash_log=HASH_LOG,
        chain_log=CHAIN_LOG,
        window_log=WINDOW_LOG,
        threads=threads,
        job_size=JOB if threads else 0,
        write_checksum=True,
    )
    made = zstandard.ZstdCompressor(compression_params=parameters)
    return made.compressobj()


def worker_threads() -> int:
    """Return how many threads compress."""
    # More than can run: one that is done waits for its next job until the
    # oldest has given out a piece.
    return min(len(os.sched_getaffinity(0)) + 2, MOST_THREADS)


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
        self._packer = packer(compression, worker_threads())
        self._pending = bytearray(GATHERED)
        self._filled = 0
        self._packed: list[bytes] = []
        self._behind = WriteBehind(self._keep)
        self._digest = xxhash.xxh3_128()
        self._length = 0
        self._begun = 0

    def write(self, content: bytes | memoryview) -> None:
        """Add to the body."""
        end = self._filled + len(content)
        if end <= GATHERED:
            self._pending[self._filled : end] = content
            self._filled = end
            return
        self._compress()
        if len(content) > GATHERED // 2:
            self._store(self._packer.compress(content))
        else:
            self.write(content)

    def _compress(self) -> None:
        with memoryview(self._pending) as pending:
            self._store(self._packer.compress(pending[: self._filled]))
        self._filled = 0

    def _store(self, packed: bytes) -> None:
        self._digest.update(packed)
        self._packed.append(packed)
        if sum(map(len, self._packed)) >= PIECE or len(self._packed) == PIECES:
            self._hand_on()

    def _hand_on(self) -> None:
        self._behind.write(self._packed)
        self._packed = []

    def _keep(self, pieces: list[bytes]) -> None:
        size = sum(map(len, pieces))
        done = os.writev(self._file.fileno(), pieces)
        if done < size:
            _write_all(self._file.fileno(), b"".join(pieces)[done:])
        self._length += size
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
        self._compress()
        # The body's threads are at work meanwhile.
        packing = packer(self.compression)
        packed = b"".join(packing.compress(piece) for piece in head)
        packed += packing.flush()
        self._store(self._packer.flush())
        self._hand_on()
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
